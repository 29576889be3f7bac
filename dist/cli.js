#!/usr/bin/env node
import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-WZDWLOBE.js";import{guardProcess}from"./chunk-AMONY5GC.js";import"./chunk-Z6EMOZVP.js";import"./chunk-ZSIFA3NV.js";import"./chunk-66B2ZEXS.js";guardProcess();var words=process.argv.slice(2);words[0]==="run"&&!words.includes("--help")&&startSpareGenerator();var{commandLine}=await import("./chunk-CY7UPNBV.js");process.exitCode=await commandLine(words);
