#!/usr/bin/env node
import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-PXQIJJJK.js";import{guardProcess}from"./chunk-7YHJPCC2.js";import"./chunk-IONINIO5.js";import"./chunk-QHUK3D5Z.js";import"./chunk-66B2ZEXS.js";guardProcess();var words=process.argv.slice(2);words[0]==="run"&&!words.includes("--help")&&startSpareGenerator();var{commandLine}=await import("./chunk-KZ35OWLQ.js");process.exitCode=await commandLine(words);
