use proptest::prelude::*;

use super::*;

fn complete(root: &Value, dialect: Dialect, schema: &Value, direction: Direction) -> (Value, Vec<String>) {
    let mut translator = Translator::new(root, dialect);
    let schema = translator.complete(schema, "/s", direction);
    compile(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
    (
        schema,
        translator
            .into_omissions()
            .into_iter()
            .map(|omission| format!("{} {}", omission.place, omission.reason))
            .collect(),
    )
}

#[test]
fn older_versions_say_the_same_in_other_words() {
    use Dialect::{OpenApi30, OpenApi31, Swagger2};
    for (dialect, written, takes, refuses) in [
        (
            OpenApi30,
            json!({"type": "string", "nullable": true, "enum": ["a"]}),
            vec![json!("a"), json!(null)],
            json!("b"),
        ),
        (OpenApi31, json!({"type": "string", "nullable": true}), vec![json!("a"), json!(null)], json!(1)),
        (Swagger2, json!({"type": "string", "x-nullable": true}), vec![json!(null)], json!(1)),
        (OpenApi30, json!({"allOf": [{"type": "object"}], "nullable": true}), vec![json!(null), json!({})], json!(1)),
        (OpenApi30, json!({"type": "number", "maximum": 5, "exclusiveMaximum": true}), vec![json!(4.9)], json!(5)),
        (OpenApi30, json!({"type": "number", "maximum": 5, "exclusiveMaximum": false}), vec![json!(5)], json!(6)),
        (OpenApi31, json!({"type": "number", "exclusiveMaximum": 5}), vec![json!(4)], json!(5)),
        (Swagger2, json!({"items": [{"type": "string"}]}), vec![json!(["a", 1])], json!([1])),
    ] {
        let (schema, omissions) = complete(&json!({}), dialect, &written, Direction::Request);
        let validator = compile(&schema).unwrap();
        assert_eq!(omissions, Vec::<String>::new(), "{written}");
        assert!(
            takes.iter().all(|value| validator.is_valid(value)) && !validator.is_valid(&refuses),
            "{written} {schema}"
        );
    }
}

#[test]
fn what_only_answers_have_is_not_required_of_requests() {
    let written = json!({
        "required": ["id", "secret"],
        "properties": {"id": {"readOnly": true}, "secret": {"writeOnly": true}},
    });
    for (direction, required) in [(Direction::Request, json!(["secret"])), (Direction::Answer, json!(["id"]))] {
        assert_eq!(complete(&json!({}), Dialect::OpenApi30, &written, direction).0["required"], required);
    }
}

#[test]
fn what_is_wrong_costs_that_keyword_alone() {
    let written = json!({
        "type": "any", "pattern": "(", "maxLength": "3", "required": true, "enum": [], "minLength": 2,
        "properties": {"a": 1, "b": {"$ref": "#/gone"}, "c": {"type": ["string", "string"]}},
        "multipleOf": 0, "allOf": {}, "$dynamicRef": "#x",
    });
    let (schema, omissions) = complete(&json!({}), Dialect::OpenApi31, &written, Direction::Request);
    assert_eq!(schema["minLength"], 2);
    assert_eq!(
        omissions,
        [
            "/s/$dynamicRef `$dynamicRef` cannot be followed",
            "/s/allOf `allOf` must be a list of schemas",
            "/s/enum `enum` must be a list of values",
            "/s/maxLength `maxLength` must be a whole number, 0 or more",
            "/s/multipleOf `multipleOf` must be a number above 0",
            "/s/pattern the pattern cannot be compiled",
            "/s/properties/a a schema must be an object",
            "/s/properties/b/$ref `#/gone` leads to nothing",
            "/s/properties/c/type [\"string\",\"string\"] is no type of JSON",
            "/s/required `required` must be a list of names",
            "/s/type \"any\" is no type of JSON",
        ]
    );
}

#[test]
fn circles_end_and_what_they_hold_is_still_compared() {
    let root = json!({
        "tree": {"type": "object", "properties": {"next": {"$ref": "#/tree"}}},
        "a": {"allOf": [{"$ref": "#/b"}]},
        "b": {"anyOf": [{"$ref": "#/a"}, {"type": "string"}]},
    });
    let (schema, _) = complete(&root, Dialect::OpenApi30, &json!({"$ref": "#/tree"}), Direction::Request);
    let validator = compile(&schema).unwrap();
    assert!(validator.is_valid(&json!({"next": {"next": {}}})) && !validator.is_valid(&json!({"next": {"next": 1}})));
    let (schema, _) = complete(&root, Dialect::OpenApi30, &json!({"$ref": "#/a"}), Direction::Request);
    assert!(compile(&schema).unwrap().is_valid(&json!("x")));
}

#[test]
fn what_multiplies_is_not_followed_to_its_end() {
    let level = |keyword: &str, level: usize| {
        let inner = json!({ "$ref": format!("#/S{}", level - 1) });
        match keyword {
            "properties" => json!({ "required": ["a", "b"], "properties": { "a": inner, "b": inner } }),
            "items" => json!({ "items": inner }),
            keyword => json!({ keyword: [inner, inner, { "minLength": 1 }] }),
        }
    };
    for (keyword, levels) in
        [("allOf", 40), ("anyOf", 40), ("oneOf", 40), ("properties", 40), ("items", 2500), ("allOf", 2500)]
    {
        let mut root = json!({ "S0": { "type": "string" } });
        for number in 1..=levels {
            root[format!("S{number}")] = level(keyword, number);
        }
        let top = json!({ "$ref": format!("#/S{levels}") });
        let (schema, _) = complete(&root, Dialect::OpenApi31, &top, Direction::Request);
        let _ = crate::catalogue::fields::field(&schema, "x", true);
        let _ = crate::catalogue::example::Examples::new(&schema).value(&schema, "x");
    }
    // Each level of a value asks all choices, and each of these asks all of the next.
    let node = json!({ "properties": { "next": { "$ref": "#/tree" } } });
    let root = json!({ "tree": { "oneOf": vec![node; 50] } });
    let (schema, _) = complete(&root, Dialect::OpenApi31, &json!({ "$ref": "#/tree" }), Direction::Request);
    let deep = (0..20).fold(json!({}), |value, _| json!({ "next": value }));
    assert!(validator(&schema, &json!({ "next": {} })).is_some());
    assert!(validator(&schema, &deep).is_none());
}

#[test]
fn schemas_as_deep_as_json_may_be_need_no_deeper_stack() {
    let deep = (0..120).fold(json!({"type": "string"}), |schema, _| json!({ "items": schema }));
    let (schema, _) = complete(&json!({}), Dialect::OpenApi31, &deep, Direction::Request);
    let _ = crate::catalogue::fields::field(&schema, "x", true);
    assert!(crate::catalogue::example::Examples::new(&schema).value(&schema, "x").is_some());
}

/// Schemas of any shape, mostly of what schemas have.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("string")),
        Just(json!("#/x")),
        Just(json!("#/y/properties/a")),
        Just(json!("#/s")),
        Just(json!(true)),
        Just(json!(null)),
        Just(json!("(")),
        any::<i8>().prop_map(|number| json!(number)),
        Just(json!(["string", "null"])),
    ];
    let keywords = [
        "type",
        "$ref",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "required",
        "enum",
        "const",
        "pattern",
        "maximum",
        "exclusiveMaximum",
        "minLength",
        "nullable",
        "additionalProperties",
        "patternProperties",
        "a",
        "example",
        "if",
        "then",
        "prefixItems",
        "format",
        "uniqueItems",
        "$id",
        "$anchor",
        "$schema",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            4 => proptest::collection::btree_map(proptest::sample::select(keywords.to_vec()), inner, 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_document_says_the_result_compiles_and_ends(x in schemas(), y in schemas(), value in schemas()) {
        let root = json!({ "x": x, "y": y });
        for dialect in [Dialect::Swagger2, Dialect::OpenApi30, Dialect::OpenApi31] {
            let (schema, _) = complete(&root, dialect, &x, Direction::Request);
            let _ = compile(&schema).unwrap().is_valid(&value);
            let _ = crate::catalogue::fields::field(&schema, "x", true);
            let examples = crate::catalogue::example::Examples::new(&schema);
            if let Some(example) = examples.value(&schema, "x") {
                prop_assert!(compile(&schema).unwrap().is_valid(&example));
            }
        }
    }
}
