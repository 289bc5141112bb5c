"""Frame in, detections out: YOLO, public detections from a file, and one that is built in."""
