# The runner is itself tested: this story tells what does not happen.
beacon a1
show
----
nobody
