"""Host tools of Tandem: the `tandem` command, the bench of emulated boards, flashing and reports."""
