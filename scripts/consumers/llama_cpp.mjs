// Runs a GGUF file in llama.cpp: node llama_cpp.mjs NODE_MODULES JOB.json
// JOB: {model, threads, prompt, count, texts, rows, logits}. Prints {tokens, greedy, text} as JSON: tokens of each text, and
// `count` tokens after the prompt, each the most probable. Logits of each row of tokens at every position go to the file
// `logits`, as f32. This program knows nothing of how the file was made.
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [modules, file] = process.argv.slice(2);
const job = JSON.parse(fs.readFileSync(file, "utf8"));
const entry = path.join(path.resolve(modules), "node-llama-cpp", "dist", "index.js");
const {getLlama} = await import(pathToFileURL(entry));
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: "error"});
const model = await llama.loadModel({modelPath: job.model});
const context = await model.createContext({contextSize: model.trainContextSize, sequences: 1, threads: job.threads});
const sequence = context.getSequence();

// As the file says it: with the first token that a text begins with.
const tokenize = (text) => {
    const begins = model.tokens.shouldPrependBosToken ? [model.tokens.bos] : [];
    return [...begins, ...model.tokenize(text, true)];
};
const greedy = [];
for await (const token of sequence.evaluate(job.prompt, {temperature: 0})) {
    greedy.push(token);
    if (greedy.length >= job.count) break;
}
const output = fs.openSync(job.logits, "w");
for (const row of job.rows) {
    await sequence.clearHistory();
    const asked = row.map((token) => [token, {generateNext: {logits: true}}]);
    for (const answer of await sequence.controlledEvaluate(asked)) {
        const logits = new Float32Array(answer.next.logits.size);
        for (const [token, logit] of answer.next.logits) logits[token] = logit;
        fs.writeSync(output, logits);
    }
}
fs.closeSync(output);
const tokens = job.texts.map(tokenize);
console.log(JSON.stringify({tokens, greedy, text: model.detokenize(greedy)}));
process.exit(0);
