// A target of tests beside XCTMain.swift, without which the package manager would not look for that file there.
