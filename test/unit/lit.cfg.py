# lit configuration of the unit tests: every test of every binary is one of lit's.
import os

import lit.formats

config.name = "prepatch-unit"
config.suffixes = []
config.test_exec_root = os.path.join(config.build_root, "test", "unit")
config.test_source_root = config.test_exec_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
