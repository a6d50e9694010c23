"""The store in an Elasticsearch cluster (extra `elastic`): one module a duty, to be read in the order document, query,
lookup, bulk, store; then client, names, templates, care.
"""
