"""`describe`: one module a kind, all pure; the verb fetches what they show."""
