import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-GEVF6HF5.js";import"./chunk-66B2ZEXS.js";var words=process.argv.slice(2);words[0]==="run"&&!words.includes("--help")&&startSpareGenerator();var{commandLine}=await import("./chunk-GDUCWAYR.js");process.exitCode=await commandLine(words);
