-- What operators look at every few seconds: the few runs that stand still and the few messages in doubt, found without
-- a look at all the others.
create index runs_parked on runs (customer_id, run_id) where stand = 'parked';
create index outbox_uncertain on outbox (created_at) where state = 'uncertain';
