"""What a person made with a checkpoint: directions, groups, images, pins, uploads, and the edit on the stage."""
