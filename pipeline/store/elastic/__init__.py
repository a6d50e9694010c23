"""The store in an Elasticsearch cluster (extra `elastic`): one module a duty, to be read in the order document, query,
lookup, bulk, changes, store; then client, failures, wire, names, templates, care, checking.
"""
