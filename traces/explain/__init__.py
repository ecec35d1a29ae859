"""Why a session waited or failed, in plain words, from its events."""
