"""The workspace: what a person made with a checkpoint (directions, groups, pins, uploads), and the edit on the stage."""
