-- The first schema. Times are UTC text of fixed width, so they sort and compare as text; what is a list or a mapping is
-- JSON. Orders, lines, shipments, returns, tickets … stand together in `things`, by type.
-- Try: sqlite3 postventa.db "select * from status"

-- --- who is meant --------------------------------------------------------------------------------------------------
create table customers (
    customer_id text not null primary key,
    seq         integer not null default 0,     -- the last history row
    now         text,                           -- of that row; never goes back
    due_at      text,                           -- when there is next something to do
    email       text,                           -- lower case
    facts       text not null default '{}',     -- customer.*
    stamps      text not null default '{}',     -- when each fact last changed
    consents    text not null default '[]',
    ended       text not null default '[]',     -- the last finished run of each journey and subject
    watches     text not null default '{}',     -- goals still watched
    holds       text not null default '{}',
    assignments text not null default '{}',     -- experiments
    counted     text not null default '{}',     -- messages that count toward caps
    lots        text not null default '{}',     -- points not used yet
    settling    text not null default '{}',     -- orders whose delivery settles
    outbox      text not null default '[]',     -- messages on their way, as the core sees them
    verdicts    text not null default '[]',
    erased      integer not null default 0
) without rowid;
create index customers_due on customers (due_at) where due_at is not null;
create index customers_email on customers (email) where email is not null;

create table customer_alias (
    alias       text not null primary key,
    customer_id text not null
) without rowid;
create index customer_alias_customer on customer_alias (customer_id);

create table order_owner (
    order_id    text not null primary key,
    customer_id text                             -- null: named by an event, not seen yet
) without rowid;
create index order_owner_customer on order_owner (customer_id) where customer_id is not null;

create table erased (
    marker text not null primary key,            -- a salted hash, nothing of the person
    at     text not null
) without rowid;

-- --- what is known -------------------------------------------------------------------------------------------------
create table things (
    customer_id text not null,
    type        text not null,
    id          text not null,
    facts       text not null,
    stamps      text not null,
    ids         text not null,
    primary key (customer_id, type, id)
) without rowid;
create index things_number on things (cast(json_extract(facts, '$.number') as text))
    where type = 'order' and json_extract(facts, '$.number') is not null;

create table events (                            -- its key alone stays when the event is dropped by age
    customer_id text not null,
    source      text not null,
    id          text not null,
    applied_at  text,                            -- the `now` at which it took effect; null: derived, or dropped
    remembered  integer not null default 0,      -- 1: belongs to an unfinished subject
    type        text,
    occurred_at text,
    recorded_at text,
    ids         text,
    data        text,
    primary key (customer_id, source, id)
) without rowid;
create index events_remembered on events (customer_id) where remembered = 1;

create table runs (
    customer_id  text not null,
    run_id       text not null,
    journey      text not null,
    version      text not null,
    release      text not null,                  -- the release it began under
    subject_type text not null,
    subject_id   text not null,
    started_at   text not null,
    at           text not null,
    step         integer not null,
    stand        text not null,                  -- timer, fact, event, held, outbox, siblings, answer, round, parked
    due_at       text,                           -- the customers' own due_at is what is scanned
    standing     text not null,                  -- how it stands, in full
    ids          text not null,
    start        text not null,
    vars         text not null,
    matched      text not null,
    marks        text not null,
    rounds       text not null,
    variants     text not null,
    queued       text not null,
    primary key (customer_id, run_id)
) without rowid;

create table ended_runs (
    number       integer primary key,
    customer_id  text not null,
    run_id       text not null,
    journey      text not null,
    version      text not null,
    subject_type text not null,
    subject_id   text not null,
    started_at   text,
    ended_at     text not null,
    outcome      text not null,
    reason       text not null
);
create index ended_runs_customer on ended_runs (customer_id);
create index ended_runs_journey on ended_runs (journey, ended_at);

-- --- what happened -------------------------------------------------------------------------------------------------
create table history (
    customer_id text not null,
    seq         integer not null,
    now         text not null,
    kind        text not null,
    release     text not null,
    payload     text not null,
    primary key (customer_id, seq)
) without rowid;

create table trace (
    number      integer primary key,
    customer_id text not null,
    seq         integer not null,                -- the history row it belongs to
    at          text not null,
    what        text not null,
    reason      text not null,
    run_id      text,
    journey     text,
    version     text,
    subject     text,
    step_id     text,
    line        integer,
    round       integer not null,
    message     text,
    channel     text,
    variant     text,
    decision    text,
    effect_id   text
);
create index trace_customer on trace (customer_id);

create table postings (
    customer_id text not null,
    posting_id  text not null,
    points      integer not null,
    at          text not null,
    reason      text not null,
    "order"     text,
    run_id      text,
    primary key (customer_id, posting_id)
) without rowid;

create table goals (
    number      integer primary key,
    customer_id text not null,
    run_id      text not null,
    journey     text not null,
    version     text not null,
    at          text not null,
    source      text not null,
    event_id    text not null,
    value       text
);
create index goals_customer on goals (customer_id);
create index goals_journey on goals (journey, at);

create table answers (
    customer_id text not null,
    source      text not null,
    id          text not null,
    at          text not null,
    survey      text not null,
    score       numeric,
    choices     text not null,
    text        text not null,
    subject     text not null,
    primary key (customer_id, source, id)
) without rowid;
create index answers_survey on answers (survey, at);

-- --- what leaves ---------------------------------------------------------------------------------------------------
create table outbox (                            -- settled rows stay: they are the record of what was sent
    number       integer primary key,
    effect_id    text not null unique,
    customer_id  text not null,
    kind         text not null,                  -- message, event
    state        text not null,                  -- pending claimed sending sent uncertain cancelled refused gave_up
    created_at   text not null,
    priority     integer not null,
    message      text,
    class        text,
    channel      text,
    address      text,
    duplicates   text not null,
    journey      text,
    version      text,
    subject      text,
    run_ids      text not null,
    step_id      text,
    round        integer not null,
    survey       text,
    reward       text,
    choose       text,
    context      text not null,
    event        text,
    attempt      integer not null default 0,
    lease_until  text,                           -- real time
    next_try_at  text not null default '',       -- '': at once
    first_try_at text,                           -- real time
    intent_at    text,                           -- the moment of sending
    sending_at   text,                           -- the same on the real clock
    settled_at   text,
    code         text,
    detail       text not null default ''
);
create index outbox_customer on outbox (customer_id, kind, state);
create index outbox_pending on outbox (next_try_at, priority, created_at, customer_id, journey, channel)
    where state = 'pending' and kind = 'message';
create index outbox_claimed on outbox (lease_until) where state = 'claimed';
create index outbox_sending on outbox (sending_at) where state = 'sending';
create index outbox_events on outbox (number) where state = 'pending' and kind = 'event';

create table codes (
    number    integer primary key,               -- the order of the file
    reward    text not null,
    code      text not null,
    from_file integer not null,
    effect_id text unique,                       -- null: still free
    unique (reward, code)
);
create index codes_free on codes (reward, number) where effect_id is null;

create table suppressions (
    address text not null primary key,           -- lower case
    reason  text not null,
    at      text not null
) without rowid;

create table mails (                             -- the local mailbox
    number    integer primary key,
    effect_id text,
    customer  text,
    "to"      text,
    at        text,
    mail      text not null
);
create index mails_effect on mails (effect_id);
create index mails_customer on mails (customer);

-- --- what comes in -------------------------------------------------------------------------------------------------
create table waiting_room (
    source      text not null,
    id          text not null,
    order_id    text not null,
    received_at text not null,
    event       text not null,
    primary key (source, id)
) without rowid;
create index waiting_room_order on waiting_room (order_id);
create index waiting_room_received on waiting_room (received_at);

create table positions (
    topic     text not null,
    partition integer not null,
    next      integer not null,
    primary key (topic, partition)
) without rowid;

create table dead_letters (
    id       integer primary key autoincrement,
    source   text not null,
    reason   text not null,
    field    text,
    event_id text,
    at       text not null,
    record   text not null
);

-- --- the engine itself ---------------------------------------------------------------------------------------------
create table releases (
    hash         text not null primary key,
    published_at text not null,
    "by"         text not null,
    message      text not null,
    files        text not null                   -- path -> text, or {"base64": …}
) without rowid;

create table control (key text not null primary key, value text not null) without rowid;

create table pauses (
    scope  text not null primary key,            -- all, journey:<id>, channel:<name>
    reason text not null,
    at     text not null,
    "by"   text not null
) without rowid;

create table audit (
    number integer primary key,
    at     text not null,
    who    text not null,
    what   text not null,
    detail text not null
);

-- --- for reading ---------------------------------------------------------------------------------------------------
create view messages as select * from outbox where kind = 'message';

create view consents as
select customer_id, e.value ->> '$.channel' as channel, e.value ->> '$.purpose' as purpose,
       e.value ->> '$.given' as given, e.value ->> '$.at' as at, e.value ->> '$.source' as source
from customers, json_each(consents) as e;

create view holds as
select customer_id, e.key as run_id, e.value ->> '$.what' as what, e.value ->> '$.since' as since,
       e.value ->> '$.until' as until
from customers, json_each(holds) as e;

create view assignments as
select customer_id, e.key as experiment, e.value as variant from customers, json_each(assignments) as e;

create view lots as
select customer_id, e.key as posting_id, e.value ->> '$.points' as points, e.value ->> '$.at' as at,
       e.value ->> '$.expires_at' as expires_at, e.value ->> '$.order' as "order"
from customers, json_each(lots) as e;

create view status as
select 'runs' as what, journey as name, stand as state, count(*) as count from runs group by journey, stand
union all
select kind || 's', coalesce(channel, ''), state, count(*) from outbox group by kind, channel, state
union all
select 'dead letters', '', '', count(*) from dead_letters
union all
select 'waiting room', '', '', count(*) from waiting_room;
