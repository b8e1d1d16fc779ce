(* GS-6: the exact line search in one plane of rotation.  Angles are real numbers
   of a realType with its sine and cosine.  Running times are not
   stated here. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals trigo.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Plane.
Variables (R : realType) (N : nat) (w y z : 'I_N -> R).
Implicit Types (t : R).
Add Field plane_field : (mc_field_theory R).

(* Key n has the coordinates (y n, z n) in the plane; both turned by the angle t. *)
Definition turned1 t n : R := cos t * y n - sin t * z n.
Definition turned2 t n : R := sin t * y n + cos t * z n.
Definition plane_objective t : R := \sum_n w n * (`|turned1 t n| + `|turned2 t n|).

(* GS-6. (a) The objective has period pi/2. *)
Theorem GS_6_a_period t : plane_objective (t + pi / 2%:R) = plane_objective t.
Proof.
apply: eq_bigr => n _; congr (_ * _).
have -> : turned1 (t + pi / 2%:R) n = - turned2 t n.
  by rewrite /turned1 /turned2 cosDpihalf sinDpihalf mulNr opprD.
have -> : turned2 (t + pi / 2%:R) n = turned1 t n.
  by rewrite /turned1 /turned2 cosDpihalf sinDpihalf mulNr.
by rewrite normrN addrC.
Qed.

(* GS-6. (b) In polar coordinates (y, z) = r (cos a, sin a) it is the weighted sum of
   r (|cos(t + a)| + |sin(t + a)|). *)
Theorem GS_6_b_polar_form (r a : 'I_N -> R) t :
  (forall n, 0 <= r n) -> (forall n, y n = r n * cos (a n)) -> (forall n, z n = r n * sin (a n)) ->
  plane_objective t = \sum_n w n * (r n * (`|cos (t + a n)| + `|sin (t + a n)|)).
Proof.
move=> r0 hy hz; apply: eq_bigr => n _; congr (_ * _); rewrite mulrDr.
have -> : turned1 t n = r n * cos (t + a n).
  by rewrite /turned1 hy hz cosD; move: (cos t) (sin t) (cos (a n)) (sin (a n)) => c s c' s'; mring R.
have -> : turned2 t n = r n * sin (t + a n).
  by rewrite /turned2 hy hz sinD; move: (cos t) (sin t) (cos (a n)) (sin (a n)) => c s c' s'; mring R.
by rewrite !normrM (ger0_norm (r0 n)).
Qed.

(* Polar coordinates exist. *)
Lemma polar_exists (u v : R) : exists r a, [/\ 0 <= r, u = r * cos a & v = r * sin a].
Proof.
pose r := Num.sqrt (u ^+ 2 + v ^+ 2).
have s0 : 0 <= u ^+ 2 + v ^+ 2 by rewrite addr_ge0 ?sqr_ge0.
have rr : r ^+ 2 = u ^+ 2 + v ^+ 2 by rewrite sqr_sqrtr.
have [r0|r0] := eqVneq r 0.
  have /eqP : u ^+ 2 + v ^+ 2 = 0 by rewrite -rr r0 expr0n.
  rewrite paddr_eq0 ?sqr_ge0 // !sqrf_eq0 => /andP[/eqP -> /eqP ->].
  by exists 0, 0; rewrite !mul0r lexx.
have rp : 0 < r by rewrite lt_def r0 sqrtr_ge0.
have c1 : -1 <= u / r <= 1.
  rewrite -ler_norml normrM normfV (gtr0_norm rp) ler_pdivr_mulr // mul1r.
  by rewrite -sqrtr_sqr ler_wsqrtr // ler_addl sqr_ge0.
have cE : cos (acos (u / r)) = u / r by apply: acosK; rewrite in_itv.
have sE : r * sin (acos (u / r)) = `|v|.
  rewrite sin_acos // -{1}(gtr0_norm rp) -sqrtr_sqr -sqrtrM ?sqr_ge0 //.
  rewrite mulrBr mulr1 -exprMn mulrCA divff // mulr1 rr addrAC subrr add0r.
  exact: sqrtr_sqr.
have uE : u = r * cos (acos (u / r)) by rewrite cE mulrCA divff // mulr1.
have [v0|v0] := lerP 0 v.
  by exists r, (acos (u / r)); rewrite sE ger0_norm // ltW.
exists r, (- acos (u / r)); rewrite cosN sinN mulrN sE ltr0_norm // opprK ltW //.
Qed.

(* Signs that agree with the turned coordinates on the angles of an interval. *)
Definition signs_on (lo hi : R) (s u : 'I_N -> R) :=
  forall t n, lo <= t <= hi ->
    s n * turned1 t n = `|turned1 t n| /\ u n * turned2 t n = `|turned2 t n|.
Definition coef_cos (s u : 'I_N -> R) : R := \sum_n w n * (s n * y n + u n * z n).
Definition coef_sin (s u : 'I_N -> R) : R := \sum_n w n * (u n * y n - s n * z n).

(* GS-6. (c) Between breakpoints, where no turned coordinate changes its sign, the
   objective is A cos t + B sin t with explicit A and B ... *)
Theorem GS_6_c_sinusoid_between_breakpoints lo hi s u t : signs_on lo hi s u -> lo <= t <= hi ->
  plane_objective t = coef_cos s u * cos t + coef_sin s u * sin t.
Proof.
move=> hs ht; rewrite /coef_cos /coef_sin !mulr_suml -big_split; apply: eq_bigr => n _ /=.
have [<- <-] := hs t n ht; rewrite /turned1 /turned2.
move: (w n) (y n) (z n) (s n) (u n) (cos t) (sin t) => a b c d e f g.
by mring R.
Qed.

(* GS-6. (d) ... and concave there: the value at the middle of two angles is at least
   the mean of the values (weights are not negative).  As the objective is continuous
   this is concavity. *)
Theorem GS_6_d_concave_between_breakpoints lo hi s u t1 t2 : (forall n, 0 <= w n) ->
  signs_on lo hi s u -> lo <= t1 <= hi -> lo <= t2 <= hi ->
  (plane_objective t1 + plane_objective t2) / 2%:R <= plane_objective ((t1 + t2) / 2%:R).
Proof.
move=> w0 hs h1 h2; set m := (t1 + t2) / 2%:R; set e := (t1 - t2) / 2%:R.
have t1E : t1 = m + e by rewrite /m /e -mulrDl addrACA subrr addr0 -mulr2n -mulr_natr mulfK ?pnatr_eq0.
have t2E : t2 = m - e.
  by rewrite /m /e -mulrBl opprB addrC addrA addrNK -mulr2n -mulr_natr mulfK ?pnatr_eq0.
have hm : lo <= m <= hi.
  case/andP: h1 => l1 u1; case/andP: h2 => l2 u2.
  rewrite /m ler_pdivl_mulr ?ltr0n // ler_pdivr_mulr ?ltr0n // ![_ * 2%:R]mulr_natr !mulr2n.
  by rewrite !ler_add.
rewrite (GS_6_c_sinusoid_between_breakpoints hs h1) (GS_6_c_sinusoid_between_breakpoints hs h2).
have pos : 0 <= plane_objective m.
  by apply: sumr_ge0 => n _; rewrite mulr_ge0 // addr_ge0.
move: pos; rewrite (GS_6_c_sinusoid_between_breakpoints hs hm).
move: (coef_cos s u) (coef_sin s u) => A B pos.
have -> : (A * cos t1 + B * sin t1 + (A * cos t2 + B * sin t2)) / 2%:R =
    (A * cos m + B * sin m) * cos e.
  rewrite t1E t2E cosD sinD cosB sinB.
  move: (cos m) (sin m) (cos e) (sin e) => c1 s1 c2 s2.
  have -> : A * (c1 * c2 - s1 * s2) + B * (s1 * c2 + c1 * s2) +
      (A * (c1 * c2 + s1 * s2) + B * (s1 * c2 - c1 * s2)) = (A * c1 + B * s1) * c2 * 2%:R.
    by mring R.
  by rewrite mulfK // pnatr_eq0.
by rewrite ler_pimulr // cos_le1.
Qed.

(* GS-6. (e) So the maximum between two breakpoints at most pi/2 apart is at one of
   them or at the angle t0 of (A, B), if that lies between; t0 is taken within pi of
   the left end. *)
Theorem GS_6_e_exact_maximum lo hi s u (rad t0 : R) t : (forall n, 0 <= w n) ->
  signs_on lo hi s u -> lo <= hi <= lo + pi / 2%:R ->
  0 <= rad -> coef_cos s u = rad * cos t0 -> coef_sin s u = rad * sin t0 -> `|t0 - lo| <= pi ->
  lo <= t <= hi ->
  plane_objective t <= Num.max (plane_objective lo) (plane_objective hi) \/
  (lo <= t0 <= hi /\ plane_objective t <= plane_objective t0).
Proof.
move=> w0 hs /andP[lohi hi2] r0 hA hB near /andP[lt th].
have val x : lo <= x <= hi -> plane_objective x = rad * cos (x - t0).
  move=> hx; rewrite (GS_6_c_sinusoid_between_breakpoints hs hx) hA hB cosB.
  by move: (cos t0) (sin t0) (cos x) (sin x) => c0 s0 c1 s1; mring R.
have lo_in : lo <= lo <= hi by rewrite lexx.
have hi_in : lo <= hi <= hi by rewrite lohi lexx.
have t_in : lo <= t <= hi by rewrite lt.
have decr (a b : R) : 0 <= a -> a <= b -> b <= pi -> cos b <= cos a.
  move=> a0 ab bpi; move: ab; rewrite le_eqVlt => /orP[/eqP -> //|ab].
  have aI : a \in `[0, pi] by rewrite in_itv /= a0 (le_trans (ltW ab) bpi).
  have bI : b \in `[0, pi] by rewrite in_itv /= (le_trans a0 (ltW ab)) bpi.
  by apply/ltW; rewrite ltr_cos.
have [t0lo|lot0] := ltrP t0 lo.
  left; rewrite le_maxr !val //; apply/orP; left.
  have [->|rn] := eqVneq rad 0; first by rewrite !mul0r.
  have rp : 0 < rad by rewrite lt_def rn.
  have d0 : 0 <= lo - t0 by rewrite subr_ge0 ltW.
  have dpi : lo - t0 <= pi by move: near; rewrite distrC ger0_norm.
  have half : lo - t0 <= pi / 2%:R.
    rewrite leNgt; apply/negP => big; have : cos (lo - t0) < 0.
      have aI : lo - t0 \in `[0, pi] by rewrite in_itv /= d0 dpi.
      have hI : (pi / 2%:R : R) \in `[0, pi].
        by rewrite in_itv /= divr_ge0 ?ler0n ?pi_ge0 //= (le_trans (ltW big) dpi).
      by rewrite -(cos_pihalf R) ltr_cos.
    apply/negP; rewrite -leNgt -(pmulr_rge0 _ rp) -val //.
    by apply: sumr_ge0 => n _; rewrite mulr_ge0 // addr_ge0.
  rewrite ler_wpmul2l //; apply: decr; rewrite ?ler_add2r //.
  apply: (@le_trans _ _ (lo + pi / 2%:R - t0)).
    by rewrite ler_add2r (le_trans th).
  by rewrite addrAC [X in _ <= X](splitr pi) ler_add2r.
have [t0hi|hit0] := lerP t0 hi.
  right; split=> //.
  by rewrite !val ?lot0 // subrr cos0 mulr1 ler_pimulr // cos_le1.
left; rewrite le_maxr !val //; apply/orP; right; rewrite ler_wpmul2l //.
rewrite -[cos (t - t0)]cosN -[cos (hi - t0)]cosN !opprB; apply: decr.
- by rewrite subr_ge0 ltW.
- by rewrite ler_add2l ler_opp2.
apply: le_trans (_ : t0 - lo <= _); first by rewrite ler_add2l ler_opp2.
by apply: le_trans near; rewrite ler_norm.
Qed.

(* GS-6. (g) A key that is not zero in the plane has at most one breakpoint in a
   period: an angle at which one of its turned coordinates vanishes.  So a period has
   at most N of them. *)
Theorem GS_6_g_one_breakpoint_per_key n t0 t1 t2 : (y n != 0) || (z n != 0) ->
  t0 <= t1 < t0 + pi / 2%:R -> t0 <= t2 < t0 + pi / 2%:R ->
  turned1 t1 n * turned2 t1 n = 0 -> turned1 t2 n * turned2 t2 n = 0 -> t1 = t2.
Proof.
move=> nz h1 h2 z1 z2; have [r [a [r0 yE zE]]] := polar_exists (y n) (z n).
have rn : r != 0 by apply: contraTneq nz => r00; rewrite yE zE r00 !mul0r eqxx.
have zero t : turned1 t n * turned2 t n = 0 -> cos (t + a) * sin (t + a) = 0.
  have -> : turned1 t n * turned2 t n = r ^+ 2 * (cos (t + a) * sin (t + a)).
    rewrite /turned1 /turned2 yE zE cosD sinD.
    by move: (cos t) (sin t) (cos a) (sin a) => c s c' s'; mring R.
  by move/eqP; rewrite mulf_eq0 sqrf_eq0 (negPf rn) => /eqP.
wlog le12 : t1 t2 h1 h2 z1 z2 / t1 <= t2 => [wl|].
  have [le|/ltW le] := lerP t1 t2; first exact: wl.
  by apply/esym; apply: wl.
apply/eqP; rewrite eq_le le12 /= leNgt; apply/negP => lt12.
have w0 : 0 < t2 - t1 by rewrite subr_gt0.
have w1 : t2 - t1 < pi / 2%:R.
  case/andP: h1 => l1 _; case/andP: h2 => _ u2; rewrite ltr_subl_addr addrC.
  by apply: lt_le_trans u2 _; rewrite ler_add2r.
have sp : 0 < sin (t2 - t1) by apply: sin_gt0_pihalf; rewrite w0.
have cp : 0 < cos (t2 - t1).
  by apply: cos_gt0_pihalf; rewrite w1 andbT (lt_trans _ w0) // oppr_lt0 divr_gt0 ?ltr0n ?pi_gt0.
have := mulr_gt0 sp cp; have -> : t2 - t1 = (t2 + a) - (t1 + a) by rewrite opprD addrACA subrr addr0.
rewrite sinB cosB; move: (zero _ z1) (zero _ z2).
move: (cos (t1 + a)) (sin (t1 + a)) (cos (t2 + a)) (sin (t2 + a)) => c s c' s' e e'.
have -> : (s' * c - c' * s) * (c' * c + s' * s) =
    (c' * s') * (c ^+ 2 - s ^+ 2) + (c * s) * (s' ^+ 2 - c' ^+ 2) by mring R.
by rewrite e e' !mul0r addr0 ltxx.
Qed.

End Plane.

Section Sweep.
Variables (R : realType) (d N : nat) (w : 'I_N -> R) (y : 'I_N -> 'cV[R]_d).
Add Field sweep_field : (mc_field_theory R).

(* Rotation by t in the plane of the coordinates i and j. *)
Definition givens (i j : 'I_d) (t : R) : 'M[R]_d :=
  1%:M + (cos t - 1) *: (delta_mx i i + delta_mx j j) + sin t *: (delta_mx j i - delta_mx i j).

Lemma delta_mul (a b l : 'I_d) (x : 'cV[R]_d) : (delta_mx a b *m x) l 0 = (l == a)%:R * x b 0.
Proof.
rewrite mxE (bigD1 b) //= big1 => [|m mb]; last by rewrite mxE (negPf mb) andbF mul0r.
by rewrite mxE eqxx andbT addr0.
Qed.

Lemma givensE i j t (x : 'cV[R]_d) l : i != j ->
  (givens i j t *m x) l 0 =
  if l == i then cos t * x i 0 - sin t * x j 0
  else if l == j then sin t * x i 0 + cos t * x j 0 else x l 0.
Proof.
move=> ij; rewrite /givens !mulmxDl mul1mx -!scalemxAl mulmxBl mulmxDl.
rewrite mxE [X in X + _]mxE [X in _ + X + _]mxE [X in _ + _ * X + _]mxE.
rewrite [X in _ + X]mxE [X in _ + _ * X]mxE [X in _ + _ * (_ + X)]mxE !delta_mul.
have [->|li] := eqVneq l i; first by rewrite (negPf ij); move: (cos t) (sin t) (x i 0) (x j 0) => c s a b; mring R.
have [->|lj] := eqVneq l j; first by move: (cos t) (sin t) (x i 0) (x j 0) => c s a b; mring R.
by rewrite !mul0r addr0 mulr0 subrr mulr0 !addr0.
Qed.

Lemma plane_split (F : 'I_d -> R) i j : i != j ->
  \sum_l F l = F i + F j + \sum_(l | (l != i) && (l != j)) F l.
Proof. by move=> ij; rewrite (bigD1 i) //= (bigD1 j) 1?eq_sym //= addrA. Qed.

(* GS-6. (f) A step in one plane is orthogonal and changes the weighted sum of L1
   norms by the change of the plane's objective only; so a step to an angle that is
   at least as good as 0, the exact maximum in particular, never lowers it, and
   neither does any sequence of such steps. *)
Theorem GS_6_f_sweeps_are_monotone i j t : i != j ->
  orthogonal (givens i j t) /\
  (plane_objective w (fun n => y n i 0) (fun n => y n j 0) 0 <=
     plane_objective w (fun n => y n i 0) (fun n => y n j 0) t ->
   \sum_n w n * l1 (y n) <= \sum_n w n * l1 (givens i j t *m y n)).
Proof.
move=> ij; have ji : (j == i) = false by rewrite eq_sym (negPf ij).
split.
  have pres (x v : 'cV[R]_d) : dot (givens i j t *m x) (givens i j t *m v) = dot x v.
    rewrite /dot (plane_split _ ij) [RHS](plane_split _ ij) !givensE // !eqxx ji.
    congr (_ + _); last first.
      by apply: eq_bigr => l /andP[/negPf li /negPf lj]; rewrite !givensE // li lj.
    have := cos2Dsin2 t; move: (cos t) (sin t) => c s cs.
    rewrite -[RHS]mul1r -cs; move: (x i 0) (x j 0) (v i 0) (v j 0) => a b e f.
    by mring R.
  rewrite /orthogonal; apply/matrixP => a b.
  have pick (v : 'cV[R]_d) : dot (delta_mx a 0) v = v a 0.
    by rewrite -dotE trmx_delta -rowE mxE.
  have := pres (delta_mx a 0) (delta_mx b 0); rewrite dot_mulmxl mulmxA !pick.
  by rewrite -colE mxE => ->; rewrite !mxE eqxx andbT.
move=> h.
have split_ v0 : \sum_n w n * l1 (v0 n) = \sum_n w n * (`|v0 n i 0| + `|v0 n j 0|) +
    \sum_n w n * \sum_(l | (l != i) && (l != j)) `|v0 n l 0|.
  by rewrite -big_split; apply: eq_bigr => n _ /=; rewrite -mulrDr /l1 (plane_split _ ij).
rewrite split_ [X in _ <= X]split_; apply: ler_add.
  have -> : \sum_n w n * (`|y n i 0| + `|y n j 0|) =
      plane_objective w (fun n => y n i 0) (fun n => y n j 0) 0.
    by apply: eq_bigr => n _; rewrite /turned1 /turned2 cos0 sin0 !mul1r !mul0r subr0 add0r.
  have -> : \sum_n w n * (`|(givens i j t *m y n) i 0| + `|(givens i j t *m y n) j 0|) =
      plane_objective w (fun n => y n i 0) (fun n => y n j 0) t.
    by apply: eq_bigr => n _; rewrite !givensE // ji !eqxx.
  exact: h.
rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => n _; congr (_ * _).
by apply: eq_bigr => l /andP[/negPf li /negPf lj]; rewrite givensE // li lj.
Qed.

End Sweep.
