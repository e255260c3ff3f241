//! Tests of opening whole folders.

use std::fs;

use serde_json::{Value, json};

use crate::hugging_face::test_folders::{changed, tensors_of, tiny_bert, tiny_llama, write_model};
use crate::hugging_face::{HuggingFaceModel, open};

type Tensors = Vec<(String, Vec<usize>)>;

/// The folder of a configuration with its tensors changed, opened for 3 positions.
fn opened(config: &Value, change: impl FnOnce(&mut Tensors)) -> crate::error::Result<HuggingFaceModel> {
    let folder = tempfile::tempdir().unwrap();
    let mut tensors = tensors_of(config);
    change(&mut tensors);
    write_model(folder.path(), config, &tensors);
    open(folder.path(), 3)
}

#[test]
fn a_tied_table_serves_two_parameters() {
    let model = opened(&tiny_llama(), |_| {}).unwrap();
    assert_eq!(model.names["lm_head.weight"], "model.embed_tokens.weight");
    assert_eq!(model.names["model.embed_tokens.weight"], "model.embed_tokens.weight");
    assert_eq!(model.unused, [""; 0]);
    let (input, output) = (&model.graph.inputs()[0], &model.graph.outputs()[0]);
    assert_eq!((input.name.as_str(), input.shape.as_slice(), input.whole), ("tokens", &[3][..], true));
    assert_eq!((output.name.as_str(), output.shape.as_slice()), ("logits", &[3, 11][..]));
    let (shape, values) = &model.constants["model.rotary.sin.value"];
    assert_eq!((shape.as_slice(), values.len()), (&[3, 1, 2][..], 6));
    // An untied model has a table of its own, and must have it.
    let untied = changed(&tiny_llama(), &json!({"tie_word_embeddings": false}));
    assert_eq!(opened(&untied, |_| {}).unwrap().names["lm_head.weight"], "lm_head.weight");
    let message =
        opened(&untied, |tensors| tensors.retain(|(name, _)| name != "lm_head.weight")).unwrap_err().to_string();
    assert!(message.contains("tensor `lm_head.weight`: found no such tensor, expected the shape [11, 8]"), "{message}");
}

#[test]
fn every_parameter_is_a_tensor_or_a_constant() {
    for config in [tiny_llama(), tiny_bert()] {
        let model = opened(&config, |_| {}).unwrap();
        for crate::graph::Parameter { name: parameter, shape, .. } in model.graph.parameters() {
            match (model.names.get(&parameter), model.constants.get(&parameter)) {
                (Some(name), None) => assert_eq!(model.tensors.shape(name), Some(shape.as_slice())),
                (None, Some((found, values))) => {
                    assert_eq!((found, values.len()), (&shape, shape.iter().product()));
                }
                other => panic!("{parameter}: {other:?}"),
            }
        }
        assert!(model.names.keys().all(|name| model.graph.parameters().iter().any(|known| known.name == *name)));
    }
}

#[test]
fn a_missing_or_misshapen_tensor_is_named() {
    let name = "encoder.layer.1.output.dense.weight";
    let message = opened(&tiny_bert(), |tensors| tensors.retain(|(n, _)| n != name)).unwrap_err().to_string();
    assert!(message.contains(name) && message.contains("expected the shape [8, 12]"), "{message}");
    let turned = |tensors: &mut Tensors| {
        tensors.iter_mut().filter(|(n, _)| n == name).for_each(|(_, shape)| shape.reverse());
    };
    let message = opened(&tiny_bert(), turned).unwrap_err().to_string();
    assert!(message.contains("found the shape [12, 8], expected the shape [8, 12]"), "{message}");
}

#[test]
fn names_of_other_classes_and_of_old_checkpoints_are_found() {
    let rename = |from: &'static str, to: &'static str| {
        move |tensors: &mut Tensors| tensors.iter_mut().for_each(|(name, _)| *name = name.replace(from, to))
    };
    let prefixed = |tensors: &mut Tensors| tensors.iter_mut().for_each(|(name, _)| *name = format!("bert.{name}"));
    let model = opened(&tiny_bert(), prefixed).unwrap();
    assert_eq!(model.names["embeddings.LayerNorm.bias"], "bert.embeddings.LayerNorm.bias");
    let masked = changed(&tiny_bert(), &json!({"architectures": ["BertForMaskedLM"]}));
    let model = opened(&masked, rename("bert.", "")).unwrap();
    assert_eq!(model.names["bert.embeddings.position_embeddings.value"], "embeddings.position_embeddings.weight");
    let model = opened(&masked, |tensors| {
        rename("LayerNorm.weight", "LayerNorm.gamma")(tensors);
        rename("LayerNorm.bias", "LayerNorm.beta")(tensors);
    });
    assert_eq!(model.unwrap().names["bert.embeddings.LayerNorm.weight"], "bert.embeddings.LayerNorm.gamma");
    let bare = changed(&tiny_llama(), &json!({"architectures": ["LlamaModel"]}));
    let prefixed = |tensors: &mut Tensors| tensors.iter_mut().for_each(|(name, _)| *name = format!("model.{name}"));
    assert_eq!(opened(&bare, prefixed).unwrap().graph.outputs()[0].name, "last_hidden_state");
    assert!(opened(&tiny_llama(), rename("self_attn", "attn")).is_err(), "other names are other networks");
}

#[test]
fn tensors_that_nothing_uses_are_listed_but_for_those_that_never_matter() {
    let more = |names: &'static [&str]| {
        move |tensors: &mut Tensors| tensors.extend(names.iter().map(|name| (name.to_string(), vec![2])))
    };
    let model = opened(&tiny_llama(), more(&["model.layers.0.self_attn.rotary_emb.inv_freq", "model.extra.weight"]));
    assert_eq!(model.unwrap().unused, ["model.extra.weight"]);
    let heads = ["pooler.dense.weight", "cls.predictions.bias", "embeddings.position_ids", "encoder.layer.2.other"];
    let heads: &'static [&str] = Box::leak(Box::new(heads));
    assert_eq!(opened(&tiny_bert(), more(heads)).unwrap().unused, ["encoder.layer.2.other"]);
}

#[test]
fn a_folder_without_its_files_says_which_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let message = || open(folder.path(), 3).unwrap_err().to_string();
    assert!(message().contains("config.json: found no such file"), "{}", message());
    fs::write(folder.path().join("config.json"), "[]").unwrap();
    assert!(message().contains("a JSON object"));
    fs::write(folder.path().join("config.json"), "{").unwrap();
    assert!(message().contains("config.json:1:1"), "{}", message());
    fs::write(folder.path().join("config.json"), tiny_llama().to_string()).unwrap();
    assert!(message().contains("no tensors"));
    write_model(folder.path(), &tiny_llama(), &tensors_of(&tiny_llama()));
    let deep = changed(&tiny_llama(), &json!({"num_hidden_layers": 1024}));
    fs::write(folder.path().join("config.json"), deep.to_string()).unwrap();
    assert!(message().contains("1024 layers for 20 tensors"), "{}", message());
    fs::write(folder.path().join("config.json"), tiny_llama().to_string()).unwrap();
    assert!(open(folder.path(), 33).unwrap_err().to_string().contains("1 to 32"));
    open(folder.path(), 32).unwrap();
}
