"""Pages for admins: collections, jobs and keys, the audit log, webhooks."""
