"""Whether a value is as a JSON schema of ours says."""

KINDS = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'null': type(None)}


def assert_fits(test, value, schema):
    """What our schemas in docs use of JSON Schema; and every field is described."""
    kinds = schema.get('type', 'string')
    kinds = kinds if isinstance(kinds, list) else [kinds]
    test.assertTrue(any(isinstance(value, KINDS[kind]) for kind in kinds), (value, schema))
    test.assertEqual(value, schema.get('const', value))
    test.assertIn(value, schema.get('enum', [value]))
    if isinstance(value, dict):
        test.assertEqual([name for name in schema.get('required', []) if name not in value], [])
        for name, below in value.items():
            test.assertIn(name, schema['properties'])
            test.assertTrue(schema['properties'][name]['description'])
            assert_fits(test, below, schema['properties'][name])
    for item in value if isinstance(value, list) else []:
        assert_fits(test, item, schema['items'])
