"""People as clothed three-dimensional bodies, from the meshes of MakeHuman."""
