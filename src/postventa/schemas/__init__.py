"""The event contract: which events and things exist, how a record becomes an `Event`, and the schemas we publish."""
