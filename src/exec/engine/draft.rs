//! Writing the program of one pass: values on demand, gradients step by step from the last one.

use crate::exec::Step;
use crate::exec::engine::action::{Action, Key, Place, Target};
use crate::exec::engine::plan::{Outline, Pass};
use crate::exec::engine::slots;
use crate::graph::NodeId;

/// A pass being written.
pub(super) struct Draft<'o, 'n> {
    outline: &'o Outline<'n>,
    level: usize,
    /// Whether values of this level that are kept have yet to be computed.
    forward: bool,
    actions: Vec<Action>,
    writes: Vec<Key>,
    values: Vec<Option<Place>>,
    gradients: Vec<Option<Place>>,
    locals: usize,
}

impl<'o, 'n> Draft<'o, 'n> {
    pub fn new(outline: &'o Outline<'n>, level: usize, forward: bool) -> Self {
        let nodes = outline.levels.len();
        Self {
            outline,
            level,
            forward,
            actions: Vec::new(),
            writes: Vec::new(),
            values: vec![None; nodes],
            gradients: vec![None; nodes],
            locals: 0,
        }
    }

    pub fn finish(mut self) -> Pass {
        let locals = slots::assign(&mut self.actions, self.locals);
        Pass { actions: self.actions, writes: self.writes, locals, releases: Vec::new() }
    }

    fn local(&mut self) -> Place {
        self.locals += 1;
        Place::Local(self.locals - 1)
    }

    fn written(&mut self, key: Key) -> Place {
        let number = self.writes.iter().position(|&k| k == key).unwrap_or_else(|| {
            self.writes.push(key);
            self.writes.len() - 1
        });
        Place::Written(number)
    }

    /// Where a node's value is; computes it if it is nowhere yet.
    pub fn value(&mut self, node: NodeId) -> Place {
        if let Some(place) = self.values[node] {
            return place;
        }
        let here = self.forward && self.outline.levels[node] == self.level;
        let place = match self.outline.producers[node] {
            None => Place::Images,
            Some(_) if self.outline.kept[node] && !here => Place::Shared(Key::Value(node)),
            Some(step) => {
                let inputs = self.outline.network.inputs(step).into_iter().map(|input| self.value(input)).collect();
                let output = match self.outline.kept[node] {
                    true => self.written(Key::Value(node)),
                    false => self.local(),
                };
                self.actions.push(Action::Evaluate { step, inputs, output });
                output
            }
        };
        self.values[node] = Some(place);
        place
    }

    /// Adds the statistics of `node` for a norm.
    pub fn statistics(&mut self, norm: usize, node: NodeId) {
        let x = self.value(node);
        self.actions.push(Action::Statistics { norm, x });
    }

    /// The reverse pass of one level. `pending` says which nodes have a gradient from passes before.
    pub fn backward(outline: &'o Outline<'n>, level: usize, pending: &mut [bool]) -> Pass {
        let mut draft = Self::new(outline, level, false);
        for &step in &outline.program.steps {
            if let Step::Norm { norm, input, output, .. } = step
                && outline.levels[input] == level
                && pending[output]
                && input > 0
            {
                let x = draft.value(input);
                let target = draft.target(input, pending);
                draft.actions.push(Action::ThroughNorm { norm, x, g: Place::Shared(Key::Norm(norm)), target });
            }
        }
        for &step in outline.program.steps.iter().rev() {
            if outline.levels[step.output()] == level
                && let Some(g) = draft.gradient(step.output(), pending)
            {
                draft.reverse(step, g, pending);
            }
        }
        draft.finish()
    }

    /// The whole gradient of a node of this level, if it has one.
    fn gradient(&mut self, node: NodeId, pending: &[bool]) -> Option<Place> {
        let shared = pending[node].then_some(Place::Shared(Key::Gradient(node)));
        match (shared, self.gradients[node]) {
            (Some(g), Some(place)) => {
                let targets = vec![Target { place, add: true }];
                self.actions.push(Action::Masked { node, y: None, g, targets });
                Some(place)
            }
            (one, other) => one.or(other),
        }
    }

    /// Where a node's gradient goes.
    fn target(&mut self, node: NodeId, pending: &mut [bool]) -> Target {
        if self.outline.levels[node] < self.level {
            let add = std::mem::replace(&mut pending[node], true);
            return Target { place: self.written(Key::Gradient(node)), add };
        }
        match self.gradients[node] {
            Some(place) => Target { place, add: true },
            None => {
                let place = self.local();
                self.gradients[node] = Some(place);
                Target { place, add: false }
            }
        }
    }

    /// Where the gradient of an input goes: nowhere for the images.
    fn input_target(&mut self, input: NodeId, pending: &mut [bool]) -> Option<Target> {
        (input > 0).then(|| self.target(input, pending))
    }

    fn reverse(&mut self, step: Step, g: Place, pending: &mut [bool]) {
        match step {
            Step::Norm { norm, input, output, .. } => {
                let x = self.value(input);
                let target = Target { place: self.written(Key::Norm(norm)), add: false };
                pending[output] = true;
                self.actions.push(Action::BehindNorm { norm, node: output, x, g, target });
            }
            Step::Layer { layer, input, .. } => {
                let x = self.value(input);
                let target = self.input_target(input, pending);
                self.actions.push(Action::Layer { layer, x, g, target });
            }
            Step::Add { inputs, output, relu } => {
                let y = relu.then(|| self.value(output));
                self.pass_on(output, y, g, &inputs, pending);
            }
            Step::Relu { input, output } => {
                let y = Some(self.value(output));
                self.pass_on(output, y, g, &[input], pending);
            }
            Step::Pool { input, .. } | Step::Subsample { input, .. } => {
                if let Some(target) = self.input_target(input, pending) {
                    self.actions.push(Action::Adjoint { step, g, target });
                }
            }
            Step::Function { function, output } => {
                let inputs = self.outline.network.graph().nodes()[output].inputs.clone();
                let values = inputs.iter().map(|&input| self.value(input)).collect();
                let targets = inputs.iter().map(|&input| self.input_target(input, pending)).collect();
                self.actions.push(Action::Function { function, inputs: values, g, targets });
            }
        }
    }

    fn pass_on(&mut self, node: NodeId, y: Option<Place>, g: Place, inputs: &[NodeId], pending: &mut [bool]) {
        let targets: Vec<Target> = inputs.iter().filter_map(|&input| self.input_target(input, pending)).collect();
        self.actions.push(Action::Masked { node, y, g, targets });
    }
}
