//! Reads the folder of a run, finished or not, also while it is worked on: what its report is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::Machine;
use crate::report::collect::{FACTS_FILE, FACTS_FORMAT, Facts, Findings};
use crate::run::fronts::front_file;
use crate::run::manifest::{Local, MANIFEST, Manifest};
use crate::run::pipeline::{PHASES, plan_file};
use crate::run::planning::{MEMORY, TABLE};
use crate::store::{hash_json, read_json};
use crate::supernet::{EpochRecord, TrainState};
use crate::table::PlanningTable;

/// The epochs of a phase, `bitplan.history/1`.
#[derive(Serialize, Deserialize)]
pub(super) struct History {
    pub format: String,
    pub epochs: Vec<EpochRecord>,
}

/// Whether a folder holds a finished run: its report is of the settings that it was last run with, and unchanged.
pub fn is_finished(folder: &Path) -> bool {
    Manifest::of(folder).stages.get("report").is_some_and(|report| report.is_unchanged(folder))
}

/// Everything that stands in the folder of a run and is of the settings that it was last run with.
///
/// # Errors
/// When it is no folder of a run, or of a program that did not write down its facts.
pub fn findings(folder: &Path) -> Result<Findings> {
    let place = || folder.display().to_string();
    if !folder.is_dir() {
        let found = if folder.exists() { "a file" } else { "no such folder" };
        let remedy = "pass the folder that `run --out` named";
        return Err(Error::input(place(), found, "the folder of a run", remedy));
    }
    if !folder.join(MANIFEST).exists() {
        let found = format!("no {MANIFEST}");
        return Err(Error::input(place(), found, "the folder of a run", "pass the folder that `run --out` named"));
    }
    let path = folder.join(FACTS_FILE);
    if !path.exists() {
        let found = format!("no {FACTS_FILE}");
        return Err(Error::input(place(), found, "that of a run of this version", "run it again with `bitplan run`"));
    }
    let facts: Facts = read_json(&path)?;
    if facts.format != FACTS_FORMAT {
        let found = format!("format `{}`", facts.format);
        return Err(Error::input(path.display().to_string(), found, FACTS_FORMAT, "run it again with `bitplan run`"));
    }
    let (manifest, notes) = (Manifest::read(folder)?, Local::of(folder));
    // Facts that were just written, for settings that nothing was done under yet.
    let same = hash_json(&facts)? == notes.settings;
    let stages = || manifest.stages.iter().filter(|(name, _)| same && notes.current.contains(*name));
    let (mut done, mut damage) = (BTreeSet::new(), Vec::new());
    for (name, finished) in stages().filter(|(name, _)| *name != "report") {
        let changed: Vec<&str> = finished.changed(folder).map(String::as_str).collect();
        if changed.is_empty() {
            done.insert(name.clone());
        } else {
            let files = changed.join(", ");
            damage.push(format!("Stage `{name}` is left out: {files} is missing or not what it wrote; run it again."));
        }
    }
    if !same && !manifest.stages.is_empty() {
        damage.push("No stage is shown: run.json does not say which of them are of the settings in facts.json.".into());
    }
    let stage = |name: &str| done.contains(name).then(|| manifest.stages.get(name)).flatten();
    let files = stages().filter(|(name, _)| done.contains(*name));
    let files = files.flat_map(|(_, stage)| stage.files.clone()).collect();

    let plans = match stage("plans") {
        None => Vec::new(),
        Some(_) => {
            let read = |(i, name): (usize, &String)| {
                Ok((name.clone(), Plan::read(&folder.join(plan_file("plan", i, name, "json")))?))
            };
            facts.plans.iter().enumerate().map(read).collect::<Result<_>>()?
        }
    };
    let planned = |file: &str| stage("plans").map(|_| folder.join(file));
    let fronts = stage("fronts").map_or(Vec::new(), |stage| stage.files.keys().cloned().collect());
    // In the order in which the plans name the costs.
    let costs = plans.iter().flat_map(|(_, plan): &(String, Plan)| &plan.budgets).map(|b| front_file(&b.name));
    let mut ordered: Vec<String> = Vec::new();
    for file in costs.filter(|file| fronts.contains(file)) {
        if !ordered.contains(&file) {
            ordered.push(file);
        }
    }
    let machine = || {
        let host = notes.host.clone()?;
        let seconds = notes.seconds.iter().filter(|(stage, _)| done.contains(*stage));
        Some(Machine {
            command: host.command,
            processor: host.processor,
            threads: host.threads,
            system: host.system,
            seconds: seconds.map(|(stage, seconds)| (stage.clone(), *seconds)).collect(),
        })
    };
    Ok(Findings {
        sensitivity: stage("sensitivity").map(|_| read_json(&folder.join("sensitivity.json"))).transpose()?,
        table: planned(TABLE).map(|path| PlanningTable::read(&path)).transpose()?,
        memory: planned(MEMORY).map(|path| read_json(&path)).transpose()?,
        plans,
        fronts: ordered.iter().map(|file| read_json(&folder.join(file))).collect::<Result<_>>()?,
        histories: histories(folder, &done, &notes, same)?,
        accuracies: stage("evaluation").map(|_| read_json(&folder.join("evaluation.json"))).transpose()?,
        machine: machine(),
        facts,
        done,
        files,
        damage,
        begun: notes.begun.filter(|_| same).map(|(stage, _)| stage),
    })
}

/// The epochs of every phase that is done, and of the one that is under way as far as its checkpoint.
fn histories(
    folder: &Path,
    done: &BTreeSet<String>,
    notes: &Local,
    same: bool,
) -> Result<BTreeMap<String, Vec<EpochRecord>>> {
    let mut histories = BTreeMap::new();
    for phase in PHASES {
        if done.contains(phase) {
            let history: History = read_json(&folder.join(format!("{phase}.history.json")))?;
            histories.insert(phase.to_string(), history.epochs);
        } else if let Some((_, key)) = notes.begun.as_ref().filter(|(begun, _)| same && begun == phase)
            && let Some(epochs) = TrainState::epochs_of(&folder.join(format!("{phase}.checkpoint")), key)
        {
            histories.insert(phase.to_string(), epochs);
        }
    }
    Ok(histories)
}
