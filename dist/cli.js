#!/usr/bin/env node
import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-W6XT5BHT.js";import{guardProcess}from"./chunk-UZDHH2GN.js";import"./chunk-Z6EMOZVP.js";import"./chunk-7ZMQ6XNP.js";import"./chunk-66B2ZEXS.js";guardProcess();var words=process.argv.slice(2);words[0]==="run"&&!words.includes("--help")&&startSpareGenerator();var{commandLine}=await import("./chunk-K65UWDFS.js");process.exitCode=await commandLine(words);
