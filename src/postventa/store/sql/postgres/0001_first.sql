-- The first schema, in the schema that `store.postgres_schema` names. Orders, lines, shipments, returns, tickets … stand
-- together in `things`, by type. What belongs to a customer leads with customer_id.
-- Try: select * from status; select * from messages order by created_at desc limit 20;

create domain key as text collate "C";           -- ids: they sort by their bytes, on every machine alike

-- --- who is meant --------------------------------------------------------------------------------------------------
create table customers (
    customer_id key primary key,
    seq         bigint not null default 0,       -- the last history row
    now         timestamptz,                     -- of that row; never goes back
    due_at      timestamptz,                     -- when there is next something to do
    email       text,                            -- lower case
    facts       jsonb not null default '{}',     -- customer.*
    stamps      jsonb not null default '{}',     -- when each fact last changed
    consents    jsonb not null default '[]',
    ended       jsonb not null default '[]',     -- the last finished run of each journey and subject
    watches     jsonb not null default '{}',     -- goals still watched
    holds       jsonb not null default '{}',
    assignments jsonb not null default '{}',     -- experiments
    counted     jsonb not null default '{}',     -- messages that count toward caps
    lots        jsonb not null default '{}',     -- points not used yet
    settling    jsonb not null default '{}',     -- orders whose delivery settles
    outbox      jsonb not null default '[]',     -- messages on their way, as the core sees them
    verdicts    jsonb not null default '[]',
    erased      boolean not null default false
) with (fillfactor = 70);                        -- rows are rewritten by every event: room for it on the same page
create index customers_due on customers (due_at, customer_id) where due_at is not null;
create index customers_email on customers (email) where email is not null;

create table customer_alias (
    alias       key primary key,
    customer_id key not null
);
create index customer_alias_customer on customer_alias (customer_id);

create table order_owner (
    order_id    key primary key,
    customer_id key                              -- null: named by an event, not seen yet
);
create index order_owner_customer on order_owner (customer_id) where customer_id is not null;

create table erased (
    marker key primary key,                      -- a salted hash, nothing of the person
    at     timestamptz not null
);

-- --- what is known -------------------------------------------------------------------------------------------------
create table things (
    customer_id key not null,
    type        key not null,
    id          key not null,
    facts       jsonb not null,
    stamps      jsonb not null,
    ids         jsonb not null,
    primary key (customer_id, type, id)
);
create index things_number on things ((facts ->> 'number')) where type = 'order' and facts ->> 'number' is not null;

create table events (                            -- its key alone stays when the event is dropped by age
    customer_id key not null,
    source      key not null,
    id          key not null,
    applied_at  timestamptz,                     -- the `now` at which it took effect; null: derived, or dropped
    remembered  boolean not null default false,  -- belongs to an unfinished subject
    type        text,
    occurred_at timestamptz,
    recorded_at timestamptz,
    ids         jsonb,
    data        jsonb,
    primary key (customer_id, source, id)
);
create index events_remembered on events (customer_id) where remembered;

create table runs (
    customer_id  key not null,
    run_id       key not null,
    journey      text not null,
    version      text not null,
    release      text not null,                  -- the release it began under
    subject_type text not null,
    subject_id   text not null,
    started_at   timestamptz not null,
    at           timestamptz not null,
    step         integer not null,
    stand        text not null,                  -- timer, fact, event, held, outbox, siblings, answer, round, parked
    due_at       timestamptz,                    -- the customers' own due_at is what is scanned
    standing     jsonb not null,                 -- how it stands, in full
    ids          jsonb not null,
    start        jsonb not null,
    vars         jsonb not null,
    matched      jsonb not null,
    marks        jsonb not null,
    rounds       jsonb not null,
    variants     jsonb not null,
    queued       jsonb not null,
    primary key (customer_id, run_id)
) with (fillfactor = 80);

create table ended_runs (
    customer_id  key not null,
    number       bigint generated always as identity,
    run_id       key not null,
    journey      text not null,
    version      text not null,
    subject_type text not null,
    subject_id   text not null,
    started_at   timestamptz,
    ended_at     timestamptz not null,
    outcome      text not null,
    reason       text not null,
    primary key (customer_id, number)
);
create index ended_runs_journey on ended_runs (journey, ended_at);

-- --- what happened -------------------------------------------------------------------------------------------------
create table history (
    customer_id key not null,
    seq         bigint not null,
    now         timestamptz not null,
    kind        text not null,
    release     text not null,
    payload     jsonb not null,
    primary key (customer_id, seq)
);

create table trace (
    customer_id key not null,
    number      bigint generated always as identity,
    seq         bigint not null,                 -- the history row it belongs to
    at          timestamptz not null,
    what        text not null,
    reason      text not null,
    run_id      text,
    journey     text,
    version     text,
    subject     jsonb,
    step_id     text,
    line        integer,
    round       integer not null,
    message     text,
    channel     text,
    variant     text,
    decision    text,
    effect_id   text,
    primary key (customer_id, number)
);

create table postings (
    customer_id key not null,
    posting_id  key not null,
    points      bigint not null,
    at          timestamptz not null,
    reason      text not null,
    "order"     text,
    run_id      text,
    primary key (customer_id, posting_id)
);

create table goals (
    customer_id key not null,
    number      bigint generated always as identity,
    run_id      key not null,
    journey     text not null,
    version     text not null,
    at          timestamptz not null,
    source      text not null,
    event_id    text not null,
    value       text,
    primary key (customer_id, number)
);
create index goals_journey on goals (journey, at);

create table answers (
    customer_id key not null,
    source      key not null,
    id          key not null,
    at          timestamptz not null,
    survey      text not null,
    score       numeric,
    choices     jsonb not null,
    text        text not null,
    subject     text not null,
    primary key (customer_id, source, id)
);
create index answers_survey on answers (survey, at);

-- --- what leaves ---------------------------------------------------------------------------------------------------
create table outbox (                            -- settled rows stay: they are the record of what was sent
    effect_id    key primary key,
    number       bigint generated always as identity,
    customer_id  key not null,
    kind         text not null,                  -- message, event
    state        text not null,                  -- pending claimed sending sent uncertain cancelled refused gave_up
    created_at   timestamptz not null,
    priority     integer not null,
    message      text,
    class        text,
    channel      text,
    address      text,
    duplicates   text not null,
    journey      text,
    version      text,
    subject      jsonb,
    run_ids      jsonb not null,
    step_id      text,
    round        integer not null,
    survey       text,
    reward       text,
    choose       text,
    context      jsonb not null,
    event        jsonb,
    attempt      integer not null default 0,
    lease_until  timestamptz,                    -- this server's clock
    next_try_at  timestamptz not null default '-infinity', -- -infinity: at once
    first_try_at timestamptz,                    -- this server's clock
    intent_at    timestamptz,                    -- the moment of sending
    sending_at   timestamptz,                    -- the same on this server's clock
    settled_at   timestamptz,
    code         text,
    detail       text not null default ''
) with (fillfactor = 80);
create index outbox_customer on outbox (customer_id, kind, state);
create index outbox_pending on outbox (next_try_at, priority, created_at) include (customer_id, journey, channel)
    where state = 'pending' and kind = 'message';
create index outbox_claimed on outbox (lease_until) where state = 'claimed';
create index outbox_sending on outbox (sending_at) where state = 'sending';
create index outbox_events on outbox (number) where state = 'pending' and kind = 'event';
create index outbox_messages on outbox (created_at, effect_id) where kind = 'message';

create table codes (
    number    bigint generated always as identity primary key, -- the order of the file
    reward    key not null,
    code      key not null,
    from_file boolean not null,
    effect_id key unique,                        -- null: still free
    unique (reward, code)
);
create index codes_free on codes (reward, number) where effect_id is null;

create table suppressions (
    address key primary key,                     -- lower case
    reason  text not null,
    at      timestamptz not null
);

create table mails (                             -- the local mailbox
    number    bigint generated always as identity primary key,
    effect_id text,
    customer  text,
    "to"      text,
    at        timestamptz,
    mail      jsonb not null
);
create index mails_effect on mails (effect_id);
create index mails_customer on mails (customer);

-- --- what comes in -------------------------------------------------------------------------------------------------
create table waiting_room (
    source      key not null,
    id          key not null,
    order_id    key not null,
    received_at timestamptz not null,
    event       jsonb not null,
    primary key (source, id)
);
create index waiting_room_order on waiting_room (order_id);
create index waiting_room_received on waiting_room (received_at);

create table positions (
    topic     key not null,
    partition integer not null,
    next      bigint not null,
    primary key (topic, partition)
);

create table dead_letters (                      -- NUL and half signs, which text cannot hold, stand as ␀ and their number
    id       bigint generated always as identity primary key,
    source   text not null,
    reason   text not null,
    field    text,
    event_id text,
    at       timestamptz not null,
    record   text not null
);

-- --- the engine itself ---------------------------------------------------------------------------------------------
create table releases (
    hash         key primary key,
    published_at timestamptz not null,
    "by"         text not null,
    message      text not null,
    files        json not null                   -- path -> text, or {"base64": …}; json keeps every byte as it came
);

create table control (key key primary key, value text not null);

create table pauses (
    scope  key primary key,                      -- all, journey:<id>, channel:<name>
    reason text not null,
    at     timestamptz not null,
    "by"   text not null
);

create table audit (
    number bigint generated always as identity primary key,
    at     timestamptz not null,
    who    text not null,
    what   text not null,
    detail jsonb not null
);

-- --- for reading ---------------------------------------------------------------------------------------------------
create view messages as select * from outbox where kind = 'message';

create view consents as
select customer_id, e ->> 'channel' as channel, e ->> 'purpose' as purpose, (e ->> 'given')::boolean as given,
       (e ->> 'at')::timestamptz as at, e ->> 'source' as source
from customers, jsonb_array_elements(consents) as e;

create view holds as
select customer_id, e.key as run_id, e.value ->> 'what' as what, (e.value ->> 'since')::timestamptz as since,
       (e.value ->> 'until')::timestamptz as until
from customers, jsonb_each(holds) as e;

create view assignments as
select customer_id, e.key as experiment, e.value #>> '{}' as variant from customers, jsonb_each(assignments) as e;

create view lots as
select customer_id, e.key as posting_id, (e.value ->> 'points')::bigint as points, (e.value ->> 'at')::timestamptz as at,
       (e.value ->> 'expires_at')::timestamptz as expires_at, e.value ->> 'order' as "order"
from customers, jsonb_each(lots) as e;

create view status as
select 'runs' as what, journey as name, stand as state, count(*) as count from runs group by journey, stand
union all
select kind || 's', coalesce(channel, ''), state, count(*) from outbox group by kind, channel, state
union all
select 'dead letters', '', '', count(*) from dead_letters
union all
select 'waiting room', '', '', count(*) from waiting_room;
