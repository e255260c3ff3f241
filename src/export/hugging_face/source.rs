//! What an exported folder takes over from the one that the network was read from.

use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::export::hugging_face::tensors::Tensors;
use crate::export::{DeployedLayer, Deployment, LayerWeights, Package, Part};
use crate::hugging_face::HuggingFaceModel;
use crate::store::{read, read_text};

/// Files that are copied as they are, where the folder has them.
const COPIED: [&str; 12] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
];

/// Prefixes of the encoders inside models with a head for masked tokens, which is not part of the network.
const ENCODERS: [&str; 3] = ["bert.", "roberta.", "distilbert."];

/// What stands at the end of the name of such a model.
const MASKED: &str = "ForMaskedLM";

/// A folder's configuration and the files that are copied.
pub(super) struct Source {
    /// `config.json`, to be changed.
    pub(super) config: Map<String, Value>,
    model: HuggingFaceModel,
    package: Package,
}

impl Source {
    /// Reads the folder of a network.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it is of another network.
    pub(super) fn of(deployment: &Deployment, format: &str) -> Result<Self> {
        let (folder, model) = deployment.source_model(format)?;
        let path = folder.join("config.json");
        let wrong = |found: String| Error::input(path.display().to_string(), found, "a JSON object", "fetch it again");
        let config = match serde_json::from_str(&read_text(&path)?).map_err(|e| wrong(e.to_string()))? {
            Value::Object(config) => config,
            _ => return Err(wrong("something else".into())),
        };
        let mut package = Package::default();
        for name in COPIED {
            let path = folder.join(name);
            if path.is_file() {
                let content = read(&path)?;
                if name.ends_with(".json")
                    && let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(&content)
                {
                    return Err(Error::input(path.display().to_string(), e.to_string(), "JSON", "fetch it again"));
                }
                package.files.insert(name.into(), content);
            }
        }
        Ok(Self { config, model, package })
    }

    /// Name of a module or a tensor of the graph in the files: an encoder stands alone.
    pub(super) fn name<'a>(&self, name: &'a str) -> &'a str {
        ENCODERS.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
    }

    /// Adds everything that is no layer's weight, and the weights of layers that are not quantised.
    ///
    /// # Errors
    /// When a tensor of the folder cannot be read, or does not fit the element type.
    pub(super) fn rest(&mut self, deployment: &Deployment, tensors: &mut Tensors) -> Result<()> {
        for (name, (shape, values)) in &deployment.parameters {
            if !self.model.constants.contains_key(name) {
                tensors.floats(self.name(name).into(), None, shape, values)?;
            }
        }
        for layer in &deployment.layers {
            if let LayerWeights::Float(values) = &layer.weights {
                self.float_weight(layer, values, tensors)?;
            }
        }
        self.pooler(tensors)
    }

    /// Adds the weight of a layer as floats.
    ///
    /// # Errors
    /// When a value does not fit the element type.
    pub(super) fn float_weight(&self, layer: &DeployedLayer, values: &[f32], tensors: &mut Tensors) -> Result<()> {
        let name = format!("{}.weight", self.name(&layer.name));
        tensors.floats(name, Some((&layer.name, Part::Floats)), &layer.shape, values)
    }

    /// The layers behind the first token of an encoder, which its class expects in the file.
    fn pooler(&mut self, tensors: &mut Tensors) -> Result<()> {
        let stored = &self.model.tensors;
        let used: Vec<&str> = self.model.names.values().map(String::as_str).collect();
        let mut dropped = 0;
        for tensor in stored.names().filter(|name| !used.contains(name)) {
            let float = matches!(stored.element_type(tensor), Some(Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64));
            match stored.shape(tensor) {
                Some(shape) if float && self.name(tensor).starts_with("pooler.") => {
                    let values = stored.read_f32(tensor)?;
                    tensors.floats(self.name(tensor).into(), None, shape, &values)?;
                }
                _ => dropped += 1,
            }
        }
        if dropped > 0 {
            self.package
                .notes
                .push(format!("{dropped} tensors of the folder are not part of the network and left out"));
        }
        Ok(())
    }

    /// All files: what was copied, `config.json` with these sections, and the tensors.
    ///
    /// # Errors
    /// When the configuration has no JSON form.
    pub(super) fn finish(
        mut self,
        sections: &[(&str, Value)],
        library: &str,
        tensors: Tensors,
        notes: Vec<String>,
    ) -> Result<Package> {
        let float = tensors.float().name();
        self.config.insert("dtype".into(), json!(float));
        self.config.remove("torch_dtype");
        if let Some(Value::Array(names)) = self.config.get_mut("architectures") {
            for name in names {
                if let Some(start) = name.as_str().and_then(|name| name.strip_suffix(MASKED)) {
                    *name = json!(format!("{start}Model"));
                }
            }
        }
        if self.model.names.contains_key("lm_head.weight") {
            let tied = self.config.insert("tie_word_embeddings".into(), json!(false));
            if tied == Some(json!(true)) {
                let note = "the head was the table of tokens in the source; here each has codes of its own, so both are stored";
                self.package.notes.push(note.into());
            }
        }
        for (name, section) in sections {
            self.config.insert((*name).into(), section.clone());
        }
        let mut text =
            serde_json::to_string_pretty(&self.config).map_err(|e| Error::Internal(format!("not JSON: {e}")))?;
        text.push('\n');
        let mut package = tensors.finish(library)?;
        package.files.insert("config.json".into(), text.into_bytes());
        package.files.append(&mut self.package.files);
        package.notes = [self.package.notes, notes].concat();
        Ok(package)
    }
}
