# What all pictures share. The caller sets `name` (path without suffix) and defines draw as a
# string of commands; each picture is drawn twice: SVG for pages, PNG for a look.
set encoding utf8
set style line 1 lc rgb "#0072b2" lw 2.5 pt 7 ps 0.8   # leastjobs
set style line 2 lc rgb "#d55e00" lw 1.8 pt 5 ps 0.8
set style line 3 lc rgb "#009e73" lw 1.8 pt 9 ps 0.9
set style line 4 lc rgb "#cc79a7" lw 1.8 pt 11 ps 0.9
set style line 5 lc rgb "#e69f00" lw 1.8 pt 13 ps 0.9
set style line 6 lc rgb "#56b4e9" lw 1.8 pt 4 ps 0.8
set style line 7 lc rgb "#666666" lw 1.8 pt 6 ps 0.8
set style line 8 lc rgb "#a6761d" lw 1.8 pt 8 ps 0.9
set style line 9 lc rgb "#000000" lw 1.2 dt 2           # a target or a bound
set style line 10 lc rgb "#dddddd" lw 0.8
set grid ytics ls 10
set border 3 lc rgb "#444444"
set tics nomirror out
set key outside right top Left reverse samplen 2
picture_svg = "set terminal svg size 900,480 dynamic enhanced background rgb 'white' font 'Helvetica,13'"
picture_png = "set terminal pngcairo size 900,480 enhanced background rgb 'white' font 'Helvetica,11'"
