"""The whole story in one command: every layer does its main job while the power is cut."""
