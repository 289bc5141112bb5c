"""The local server behind `remix-track view`: pages of the people of stores and runs. It starts without torch."""
