"""The shell: all that touches GitHub, the disk, the network and the clock."""
