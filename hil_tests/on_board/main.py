"""Starts the controller as its own main.py does, with the recipes of the hardware tests beside the built-in ones.

Only the controller of a stand has this: `tandem_tools.rig.program` puts it there as /main.py, the firmware's own
main.py beside it as /tandem_main.py.
"""

import hil_recipes

hil_recipes.add()
with open("/tandem_main.py") as file:
    exec(file.read())
