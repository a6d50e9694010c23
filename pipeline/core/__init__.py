"""The ground: types, ports, errors, config, keys and clock that every other room stands on."""
