module rocksgc

go 1.19
