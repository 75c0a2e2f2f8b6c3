"""Virtual time: a loop whose clock jumps, and a network inside the process."""
