-- What a customer was told while nothing had left yet, so that an event that occurred earlier can still go before it.
alter table customers add column heard text not null default '{}';
