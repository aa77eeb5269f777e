"""Ways out: SMTP, the local mailbox, a webhook. All keep one contract (`base`), tested by one suite."""

from postventa.channels.base import Channel, CommitIntent, Envelope, Receipt, Refused, message_id_for

__all__ = ["Channel", "CommitIntent", "Envelope", "Receipt", "Refused", "message_id_for"]
