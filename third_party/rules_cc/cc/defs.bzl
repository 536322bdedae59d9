"""Hands on the C++ rules that are built into Bazel 4.

BUILD files load them from here because newer versions of Bazel want it so.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
