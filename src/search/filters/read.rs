//! Filters from LlamaIndex's own JSON, with the rules of its pydantic model.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{FilterOperator, FilterValue, MetadataFilter};

impl<'de> Deserialize<'de> for MetadataFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MetadataFilter, D::Error> {
        deserializer.deserialize_map(OfFilter)
    }
}

struct OfFilter;

impl<'de> Visitor<'de> for OfFilter {
    type Value = MetadataFilter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter with `key`, `value` and `operator`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MetadataFilter, A::Error> {
        let (mut key, mut value, mut operator) = (None, None, FilterOperator::default());
        let mut nested = false;
        while let Some(member) = map.next_key::<String>()? {
            match member.as_str() {
                "key" => key = Some(map.next_value::<String>()?),
                "value" => value = Some(map.next_value()?),
                "operator" => operator = map.next_value()?,
                other => {
                    nested |= other == "filters";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match (key, value) {
            (Some(key), Some(value)) => Ok(MetadataFilter {
                key: key.into_bytes(),
                value,
                operator,
            }),
            // LlamaIndex's model takes this for filters within filters, and
            // says so when they are used.
            _ if nested => Err(A::Error::custom(
                "Nested MetadataFilters are not supported.",
            )),
            (None, _) => Err(A::Error::missing_field("key")),
            (_, None) => Err(A::Error::missing_field("value")),
        }
    }
}

impl<'de> Deserialize<'de> for FilterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FilterValue, D::Error> {
        deserializer.deserialize_any(OfValue)
    }
}

struct OfValue;

impl<'de> Visitor<'de> for OfValue {
    type Value = FilterValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, a list of only numbers or only texts, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<FilterValue, E> {
        Ok(FilterValue::None)
    }

    fn visit_none<E: Error>(self) -> Result<FilterValue, E> {
        Ok(FilterValue::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<FilterValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<FilterValue, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FilterValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        FilterValue::list(items).ok_or_else(|| {
            A::Error::custom("a list in a filter must hold only numbers or only texts")
        })
    }
}
