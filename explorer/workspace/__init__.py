"""The workspace: the user's directions, groups, pins and uploads of a checkpoint, and the stage's edit."""
