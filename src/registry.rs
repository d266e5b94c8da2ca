//! How a family of kinds is declared: one row per kind makes it known to the parser, the schema, the lists, the messages and the tests.

use schemars::JsonSchema;

/// What is known of a kind without an instance: its name in a scenario and its manual.
pub struct Kind {
    /// The key in the scenario file.
    pub name: &'static str,
    /// Another key that means the same.
    pub alias: Option<&'static str>,
    /// JSON Schema of its parameters; the descriptions in it are the doc comments of the code.
    pub schema: serde_json::Value,
}

/// A kind that a scenario has chosen, with its parameters.
pub struct Chosen<'a, Member: ?Sized> {
    /// The key in the scenario file.
    pub name: &'static str,
    /// All parameters as JSON, in the order of their declaration: part of the name of its stream.
    pub parameters: String,
    /// What it can do.
    pub member: &'a Member,
}

impl Kind {
    /// The kind whose parameters are `T`.
    pub fn of<T: JsonSchema>(name: &'static str, alias: Option<&'static str>) -> Self {
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<T>()
            .to_value();
        Self { name, alias, schema }
    }

    /// The doc comment of the kind: what it is, formulas, cost and source.
    pub fn manual(&self) -> &str {
        self.schema["description"].as_str().unwrap_or_default()
    }

    /// The first sentence of the manual.
    pub fn summary(&self) -> &str {
        self.manual().split("\n\n").next().unwrap_or_default()
    }

    /// The parameters, in the order of their declaration.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        parameters_of(&self.schema)
    }

    /// The parameters with their dotted paths, those of a table right below it: `checkpoints`, `checkpoints.count`, …
    pub fn all_parameters(&self) -> Vec<(String, Parameter<'_>)> {
        let mut all = Vec::new();
        for parameter in self.parameters() {
            let path = parameter.name.to_owned();
            let table = parameter.table();
            all.push((path.clone(), parameter));
            all.extend(
                table.into_iter().flat_map(parameters_of).map(|inner| (format!("{path}.{}", inner.name), inner)),
            );
        }
        all
    }
}

/// The parameters of a table with this schema, in the order of their declaration.
fn parameters_of(schema: &serde_json::Value) -> impl Iterator<Item = Parameter<'_>> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    schema["properties"].as_object().into_iter().flatten().map(move |(name, schema)| Parameter {
        name,
        manual: schema["description"].as_str().unwrap_or_default(),
        default: schema.get("default").filter(|default| !default.is_null()),
        required: required(name),
        schema,
    })
}

/// A parameter of a kind.
pub struct Parameter<'a> {
    /// The key.
    pub name: &'a str,
    /// The doc comment of the field: meaning, unit, range, why the default.
    pub manual: &'a str,
    /// The value if it is left out, if there is one.
    pub default: Option<&'a serde_json::Value>,
    /// Whether it must be given.
    pub required: bool,
    /// What it takes.
    pub schema: &'a serde_json::Value,
}

impl<'a> Parameter<'a> {
    /// The schema of the table that it takes, if it takes just one sort of table; the kinds of a family have manuals of their own.
    fn table(&self) -> Option<&'a serde_json::Value> {
        let sorts = self.schema["anyOf"].as_array().map_or_else(Vec::new, |sorts| sorts.iter().collect());
        let mut tables = std::iter::once(self.schema).chain(sorts).filter(|schema| schema["properties"].is_object());
        tables.next().filter(|_| tables.next().is_none())
    }
}

/// A family of which a scenario chooses exactly one kind: `embedding.support = { … }`.
///
/// Makes the enum, its parser, `kinds()` and the way to the trait object.
#[macro_export]
#[doc(hidden)]
macro_rules! one_of_family {
    ($(#[$doc:meta])* $family:ident of $member:ident { $($(#[doc = $kind_doc:literal])* $kind:ident = $name:literal $(or $alias:literal)?,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        pub enum $family {
            $($(#[doc = $kind_doc])* #[serde(rename = $name $(, alias = $alias)?)] $kind($kind),)+
        }

        impl $family {
            /// All kinds, in the order in which they are listed.
            pub fn kinds() -> Vec<$crate::registry::Kind> {
                vec![$($crate::registry::Kind::of::<$kind>($name, [$($alias)?].first().copied()),)+]
            }

            /// The key of this kind in a scenario.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)+ }
            }

            /// What this kind can do.
            pub fn member(&self) -> &dyn $member {
                match self { $(Self::$kind(kind) => kind,)+ }
            }
        }
    };
}

/// A family of which a scenario chooses any number of kinds: `[measure.overlap]`, `[measure.spectrum]`.
///
/// Makes the struct with one optional field per kind, `kinds()`, and the chosen ones in the order of the family.
#[macro_export]
#[doc(hidden)]
macro_rules! any_of_family {
    ($(#[$doc:meta])* $family:ident of $member:ident { $($field:ident: $kind:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $family {
            $(
                #[doc = concat!("See `superpose explain ", stringify!($field), "`.")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$kind>,
            )+
        }

        impl $family {
            /// All kinds, in the order in which their columns stand.
            pub fn kinds() -> Vec<$crate::registry::Kind> {
                vec![$($crate::registry::Kind::of::<$kind>(stringify!($field), None),)+]
            }

            /// Every kind with its default parameters.
            pub fn all() -> Self {
                Self { $($field: Some(Default::default()),)+ }
            }

            /// The chosen kinds, in the order in which their columns stand.
            pub fn chosen(&self) -> Vec<$crate::registry::Chosen<'_, dyn $member>> {
                let mut chosen: Vec<$crate::registry::Chosen<dyn $member>> = Vec::new();
                $(if let Some(kind) = &self.$field {
                    let parameters = serde_json::to_string(kind).expect("parameters have a JSON form");
                    chosen.push($crate::registry::Chosen { name: stringify!($field), parameters, member: kind });
                })+
                chosen
            }
        }
    };
}
