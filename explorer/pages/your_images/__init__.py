"""The Your images page: from a folder of one's own to a map."""
