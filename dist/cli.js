#!/usr/bin/env node
import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-XH4RCXKP.js";import{guardProcess}from"./chunk-6ODZRURD.js";import"./chunk-5HARCA64.js";import"./chunk-UH2F2CE6.js";import"./chunk-66B2ZEXS.js";guardProcess();var words=process.argv.slice(2);words[0]==="run"&&!words.includes("--help")&&startSpareGenerator();var{commandLine}=await import("./chunk-PAZO22D3.js");process.exitCode=await commandLine(words);
