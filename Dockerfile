# postventa as one image: every command is `docker run postventa COMMAND`. /project holds the project; it begins as the
# reference project, mount your own over it. docker-compose.kafka.yml shows the image with Kafka and PostgreSQL.
FROM python:3.13.7-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/postventa \
 && /opt/postventa/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.lock \
 && python -m pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/postventa/bin/python -m pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.13.7-slim-bookworm
ENV PATH=/opt/postventa/bin:$PATH PYTHONUNBUFFERED=1
COPY --from=build /opt/postventa /opt/postventa
RUN useradd --system --uid 10001 postventa \
 && postventa init /project \
 && chown -R postventa /project
USER postventa
WORKDIR /project
EXPOSE 8080 8081
ENTRYPOINT ["postventa"]
CMD ["--help"]
