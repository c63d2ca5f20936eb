"""clickhouse-server.py LIBRARY ARGUMENT...: the command line of `clickhouse local` out of libchdb.so.

koffi cannot make this call: it runs native code on a stack that ClickHouse finds too small.
"""
import ctypes
import sys

library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
arguments = [b'clickhouse', *(argument.encode() for argument in sys.argv[2:])]
argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
library.chdb_query_cmdline.restype = ctypes.c_void_p
library.chdb_query_cmdline(len(arguments), argv)
