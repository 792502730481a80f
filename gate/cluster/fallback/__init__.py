"""The lock that needs no server of ours: a ValidatingAdmissionPolicy with the windows compiled in.

Pure: a compiled timeline goes in, Kubernetes documents come out (`documents.compile_lock`).
"""
