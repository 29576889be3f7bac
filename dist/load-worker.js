import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{installSeededRandom}from"./chunk-WKFUQN4I.js";import"./chunk-3XA3EZUM.js";import"./chunk-66B2ZEXS.js";installSeededRandom();var{serveLoadCommands}=await import("./chunk-BJNU6VX7.js");serveLoadCommands();
