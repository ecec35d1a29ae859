"""What a valid object is, with the sentences that say what is wrong."""
