"""What several banks share. Nothing here knows any bank."""
