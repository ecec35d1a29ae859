"""Images: names, the catalogue of what they stand for, and which ones the node has."""
