"""What the hub does: one verb a file, named as its one public function. The only room that opens transactions."""
