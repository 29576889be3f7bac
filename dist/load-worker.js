import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{keepGlobals}from"./chunk-BMVNNDFE.js";import{installSeededRandom}from"./chunk-3Z4HPT2N.js";import"./chunk-BJS6Z2OJ.js";import"./chunk-66B2ZEXS.js";installSeededRandom();keepGlobals();var{serveLoadCommands}=await import("./chunk-5CZUQPNT.js");serveLoadCommands();
