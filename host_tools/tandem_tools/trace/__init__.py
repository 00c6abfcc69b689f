"""From hazard to requirement to the figure that shows it: reads the documents, checks them, writes docs/trace.md.

Read in this order: `tables` (Markdown), `documents` (requirements, hazards, inspections as data), `inspection` (what
was looked at, and whether it changed since), `evidence` (what the last runs of the tests showed), `page` (docs/trace.md
and the integrator's checklist), `check` (every hole, as a sentence). `python -m tandem_tools.trace` is the command.
"""
