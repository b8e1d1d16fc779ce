(* Family RG: chance levels of set overlap, stability of the top-k set under
   perturbed logits, jumps at a swap of experts, and what norm ratios do not
   measure.  Probabilities are finite averages. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From mathcomp.analysis Require Import reals sequences exp.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Counting.
Variables (E k : nat).
Implicit Types (A B : {set 'I_E}).

(* The k-subsets of the E experts. *)
Definition ksets := [set B : {set 'I_E} | #|B| == k].

Lemma card_ksets : #|ksets| = 'C(E, k).
Proof. by rewrite /ksets card_draws card_ord. Qed.

(* Hypergeometric count. *)
Lemma card_overlap A m : (m <= k)%N ->
  #|[set B in ksets | #|A :&: B| == m]| = ('C(#|A|, m) * 'C(E - #|A|, k - m))%N.
Proof.
move=> mk; have cA : (E - #|A|)%N = #|~: A| by rewrite [in RHS]cardsCs setCK card_ord.
rewrite cA -!cards_draws -cardsX.
pose f B := (A :&: B, B :\: A).
have f_inj : injective f.
  by move=> B B' [e1 e2]; rewrite -(setID B A) -(setID B' A) ![_ :&: A]setIC e1 e2.
rewrite -(card_imset _ f_inj); apply: eq_card => -[X Y]; apply/imsetP/idP.
  case=> B; rewrite !inE => /andP[/eqP cB /eqP cAB] [-> ->] /=.
  by rewrite subsetIl cAB eqxx /= subsetDr /= cardsD setIC cAB cB eqxx.
rewrite !inE /= => /andP[/andP[XA /eqP cX] /andP[YA /eqP cY]].
have dYA : [disjoint Y & A] by rewrite disjoints_subset.
have dXY : [disjoint X & Y] by rewrite disjoint_sym (disjointWr XA).
have AX : A :&: (X :|: Y) = X.
  by rewrite setIUr (setIidPr XA) [A :&: Y](_ : _ = set0) ?setU0 //; apply/eqP;
     rewrite setI_eq0 disjoint_sym.
exists (X :|: Y); last first.
  by rewrite /f AX setDUl (eqP (_ : X :\: A == set0)) ?setD_eq0 // set0U (setDidPl _).
by rewrite !inE AX cX eqxx andbT cardsU (eqP (_ : X :&: Y == set0)) ?setI_eq0 // cards0 subn0 cX cY subnKC.
Qed.

Lemma card_with1 i : (0 < k)%N ->
  #|[set B in ksets | i \in B]| = 'C(E.-1, k.-1).
Proof.
move=> k0; have := @card_overlap [set i] 1 k0; rewrite cards1 binn mul1n !subn1 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have [iB|iB] := boolP (i \in B); first by rewrite (setIidPl _) ?sub1set // cards1.
by rewrite (_ : _ :&: _ = set0) ?cards0 //; apply/eqP; rewrite setI_eq0 disjoints1.
Qed.

Lemma card_with2 i j : i != j -> (1 < k)%N ->
  #|[set B in ksets | (i \in B) && (j \in B)]| = 'C(E.-2, k.-2).
Proof.
move=> ij k0; have := @card_overlap [set i; j] 2 k0; rewrite cards2 ij binn mul1n !subn2 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have c2 : #|[set i; j]| = 2%N by rewrite cards2 ij.
rewrite -c2 (subset_leqif_cards (subsetIl [set i; j] B)).2.
by rewrite (sameP eqP setIidPl) subUset !sub1set.
Qed.

End Counting.

Section Chance.
Variables (R : realFieldType) (E k : nat).
Hypothesis k0 : (0 < k)%N.
Hypothesis kE : (k <= E)%N.
Implicit Types (A B : {set 'I_E}).
Add Field chance_field : (mc_field_theory R).

(* Average over all k-subsets. *)
Definition mean_ksets (f : {set 'I_E} -> R) : R :=
  (\sum_(B in ksets E k) f B) / 'C(E, k)%:R.

Lemma binEk_neq0 : 'C(E, k)%:R != 0 :> R.
Proof. by rewrite pnatr_eq0 -lt0n bin_gt0. Qed.

Lemma E_gt0 : (0 < E)%N. Proof. exact: leq_trans kE. Qed.

Lemma card_sum A B : #|A :&: B|%:R = \sum_(i in A) (i \in B)%:R :> R.
Proof.
rewrite -sum1_card natr_sum big_mkcond [RHS]big_mkcond; apply: eq_bigr => i _.
by rewrite inE; case: (i \in A) => //=; case: (i \in B).
Qed.

Lemma sum_with1 i : \sum_(B in ksets E k) (i \in B)%:R = 'C(E.-1, k.-1)%:R :> R.
Proof.
rewrite -(card_with1 i k0) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
by apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=; case: (i \in B).
Qed.

Lemma sum_with2 i j : i != j -> (1 < k)%N ->
  \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R = 'C(E.-2, k.-2)%:R :> R.
Proof.
move=> ij k1; rewrite -(card_with2 ij k1) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=.
by case: (i \in B); case: (j \in B); rewrite ?mulr0 ?mulr1 ?mul0r.
Qed.

Lemma incl1 : 'C(E.-1, k.-1)%:R = k%:R / E%:R * 'C(E, k)%:R :> R.
Proof.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
apply: (mulfI E0); transitivity (k%:R * 'C(E, k)%:R : R).
  by rewrite -!natrM mul_bin_diag prednK.
by mfield R; apply/eqP.
Qed.

(* RG-1. (a) The chance overlap of a fixed set of k experts with a uniformly
   random set of k out of E experts is k/E. *)
Theorem RG_1_a_mean_overlap A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / k%:R) = k%:R / E%:R.
Proof.
move=> cA; rewrite /mean_ksets -mulr_suml.
under eq_bigr => B _ do rewrite card_sum.
rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
rewrite -[_ *+ k]mulr_natl incl1.
have k0' : k%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
move: binEk_neq0; set c := 'C(E, k)%:R => c0.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (b) Its variance (as a count) is k (k/E)(1 - k/E)(E-k)/(E-1). *)
Theorem RG_1_b_variance_overlap A : #|A| = k -> (1 < E)%N ->
  mean_ksets (fun B => (#|A :&: B|%:R - k%:R * (k%:R / E%:R)) ^+ 2) =
  k%:R * (k%:R / E%:R) * (1 - k%:R / E%:R) * ((E - k)%:R / (E - 1)%:R).
Proof.
move=> cA E1.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
have E10 : E%:R - 1 != 0 :> R by rewrite -(natrB R E_gt0) pnatr_eq0 subn_eq0 -ltnNge.
have c0 := binEk_neq0.
have incl2 : (1 < k)%N -> 'C(E.-2, k.-2)%:R =
    k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R :> R.
  move=> k1; have := incl1; have e : E.-1%:R != 0 :> R.
    by rewrite pnatr_eq0 -lt0n -subn1 subn_gt0.
  have : E.-1%:R * 'C(E.-2, k.-2)%:R = k.-1%:R * 'C(E.-1, k.-1)%:R :> R.
    by rewrite -!natrM mul_bin_diag prednK // -subn1 subn_gt0.
  move=> h1 h2; apply: (mulfI e); rewrite h1 h2 -!subn1 !natrB ?E_gt0 //.
  by mfield R; repeat split; apply/eqP.
have m1 : \sum_(B in ksets E k) #|A :&: B|%:R = k%:R * (k%:R / E%:R) * 'C(E, k)%:R :> R.
  under eq_bigr => B _ do rewrite card_sum.
  rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
  by rewrite -['C(_, _)%:R *+ k]mulr_natl incl1; mring R.
have m2 : \sum_(B in ksets E k) #|A :&: B|%:R ^+ 2 =
    (k%:R * (k%:R / E%:R) + k%:R * (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1))))
     * 'C(E, k)%:R :> R.
  transitivity (\sum_(i in A) \sum_(j in A) \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R : R).
    under eq_bigr => B _ do rewrite expr2 card_sum mulr_suml.
    rewrite exchange_big /=; apply: eq_bigr => i iA.
    rewrite exchange_big /=; apply: eq_bigr => B _.
    by rewrite mulr_sumr.
  transitivity (\sum_(i in A) (k%:R / E%:R * 'C(E, k)%:R +
     (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R)) : R).
    apply: eq_bigr => i iA; rewrite (bigD1 i) //=; congr (_ + _).
      rewrite -incl1 -(sum_with1 i); apply: eq_bigr => B _.
      by case: (i \in B); rewrite ?mulr1 ?mulr0.
    have [k1|k1] := ltnP 1 k.
      rewrite (eq_bigr (fun=> 'C(E.-2, k.-2)%:R)); last first.
        by move=> j /andP[jA ji]; rewrite sum_with2 // eq_sym.
      rewrite (eq_bigl (fun j => j \in A :\ i)); last by move=> j; rewrite !inE andbC.
      rewrite sumr_const -[X in X = _]mulr_natl incl2 //; congr (_ * _).
      rewrite -(natrB R k0); congr _%:R.
      by move: cA; rewrite (cardsD1 i) iA add1n => <-; rewrite subn1.
    have k1' : k = 1%N by apply/eqP; rewrite eqn_leq k1.
    rewrite {2}k1' subrr mul0r big1 // => j /andP[jA ji].
    by move: cA; rewrite k1' (cardsD1 i) (cardsD1 j) iA !inE ji jA.
  rewrite sumr_const cA -[_ *+ k]mulr_natl.
  by mring R.
rewrite /mean_ksets.
under eq_bigr => B _ do rewrite sqrrB.
rewrite big_split /= sumrB m2 sumrMnl -mulr_suml m1 sumr_const card_ksets.
rewrite -[(_ ^+ 2) *+ 'C(E, k)]mulr_natl !natrB // ?E_gt0 //.
move: c0; set c := 'C(E, k)%:R => c0; rewrite -[_ *+ 2]mulr_natl.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (c) Expected Jaccard similarity under the hypergeometric law. *)
Theorem RG_1_c_mean_jaccard A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / #|A :|: B|%:R) =
  \sum_(m < k.+1) ('C(k, m) * 'C(E - k, k - m))%:R / 'C(E, k)%:R
                  * (m%:R / (2 * k - m)%:R).
Proof.
move=> cA; rewrite /mean_ksets mulr_suml.
have cap B : (#|A :&: B| < k.+1)%N by rewrite ltnS -cA subset_leq_card ?subsetIl.
rewrite (partition_big (fun B => Ordinal (cap B)) predT) //=; apply: eq_bigr => m _.
have cnt := @card_overlap E k A m (leq_ord m); rewrite cA in cnt; rewrite -cnt.
rewrite (eq_bigr (fun=> m%:R / (2 * k - m)%:R / 'C(E, k)%:R)); last first.
  move=> B /andP[]; rewrite inE => /eqP cB /eqP/(congr1 val) /= hm.
  by rewrite cardsU hm cA cB mul2n addnn.
rewrite (eq_bigl (fun B => B \in [set B in ksets E k | #|A :&: B| == m])); last first.
  by move=> B; rewrite !inE.
by rewrite sumr_const -[LHS]mulr_natl; mring R.
Qed.

End Chance.

(* RG-2: two tokens whose sets are drawn independently from one law p. *)
Section Popularity.
Variables (R : realFieldType) (E k : nat) (p : {set 'I_E} -> R).
Hypothesis E0 : (0 < E)%N.
Hypothesis k0 : (0 < k)%N.
Hypothesis p_ge0 : forall A, 0 <= p A.
Hypothesis p_sum : \sum_A p A = 1.
Hypothesis p_card : forall A, p A != 0 -> #|A| = k.
Add Field popularity_field : (mc_field_theory R).

(* Inclusion probability of expert e. *)
Definition incl (e : 'I_E) : R := \sum_(A : {set 'I_E} | e \in A) p A.

Lemma incl_mem e : incl e = \sum_A p A * (e \in A)%:R.
Proof.
by rewrite /incl big_mkcond; apply: eq_bigr => A _; case: (e \in A); rewrite ?mulr1 ?mulr0.
Qed.

Lemma incl_sum : \sum_e incl e = k%:R.
Proof.
under eq_bigr => e _ do rewrite incl_mem.
rewrite exchange_big /=; transitivity (\sum_A p A * k%:R); last by rewrite -mulr_suml p_sum mul1r.
apply: eq_bigr => A _; rewrite -mulr_sumr; have [->|pA] := eqVneq (p A) 0; first by rewrite !mul0r.
congr (_ * _); rewrite -(p_card pA) -sum1_card natr_sum [RHS]big_mkcond.
by apply: eq_bigr => e _; case: (e \in A).
Qed.

Definition mean_overlap : R := \sum_A \sum_B p A * p B * (#|A :&: B|%:R / k%:R).

(* RG-2. (a) The expected overlap of two independent sets is the sum of squared
   inclusion probabilities over k. *)
Theorem RG_2_a_popularity_null : mean_overlap = (\sum_e incl e ^+ 2) / k%:R.
Proof.
rewrite /mean_overlap mulr_suml.
transitivity (\sum_A \sum_B \sum_e (p A * (e \in A)%:R) * (p B * (e \in B)%:R) / k%:R).
  apply: eq_bigr => A _; apply: eq_bigr => B _.
  rewrite -mulr_suml mulrA; congr (_ / _); rewrite (card_sum R) mulr_sumr big_mkcond.
  by apply: eq_bigr => e _; case: (e \in A); case: (e \in B); rewrite ?mulr0 ?mul0r ?mulr1.
under eq_bigr => A _ do rewrite exchange_big.
rewrite exchange_big /=; apply: eq_bigr => e _.
rewrite expr2 {1}incl_mem !mulr_suml; apply: eq_bigr => A _.
by rewrite -mulr_suml -mulr_sumr -incl_mem.
Qed.

Lemma incl_dev : \sum_e (incl e - k%:R / E%:R) ^+ 2 =
  \sum_e incl e ^+ 2 - k%:R * (k%:R / E%:R).
Proof.
have E0' : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
under eq_bigr => e _ do rewrite sqrrB.
rewrite big_split /= sumrB sumrMnl -mulr_suml incl_sum sumr_const card_ord.
rewrite -[(_ ^+ 2) *+ E]mulr_natl -[_ *+ 2]mulr_natl.
have aux (S a n : R) : n != 0 ->
    S - 2%:R * (a * (a / n)) + n * (a / n) ^+ 2 = S - a * (a / n).
  by move=> n0; mfield R; apply/eqP.
exact: aux.
Qed.

(* RG-2. (b) It is at least k/E, with equality exactly for balanced experts. *)
Theorem RG_2_b_popularity_lower_bound :
  k%:R / E%:R <= mean_overlap /\
  (mean_overlap = k%:R / E%:R <-> forall e, incl e = k%:R / E%:R).
Proof.
have k0' : 0 < k%:R :> R by rewrite ltr0n.
have dev : mean_overlap - k%:R / E%:R = (\sum_e (incl e - k%:R / E%:R) ^+ 2) / k%:R.
  rewrite incl_dev RG_2_a_popularity_null mulrBl; congr (_ - _).
  by rewrite [RHS]mulrAC mulfV ?mul1r ?gt_eqF.
split.
  rewrite -subr_ge0 dev divr_ge0 ?ler0n // sumr_ge0 // => e _; exact: sqr_ge0.
split=> [h e|h].
  move: dev; rewrite h subrr => /esym/eqP; rewrite mulf_eq0 invr_eq0 (gt_eqF k0') orbF.
  rewrite psumr_eq0; last by move=> i _; apply: sqr_ge0.
  move=> /allP/(_ e); rewrite mem_index_enum => /(_ isT) /=.
  by rewrite sqrf_eq0 subr_eq0 => /eqP.
apply/eqP; rewrite -subr_eq0 dev big1 ?mul0r // => e _.
by rewrite h subrr expr0n.
Qed.

(* RG-2. (c) A constant predictor C overlaps by the mean inclusion probability
   of its members ... *)
Theorem RG_2_c_constant_predictor (C : {set 'I_E}) :
  \sum_A p A * (#|A :&: C|%:R / k%:R) = (\sum_(e in C) incl e) / k%:R.
Proof.
under eq_bigr => A _ do rewrite mulrA setIC (card_sum R) mulr_sumr.
rewrite -mulr_suml exchange_big /=; congr (_ / _); apply: eq_bigr => e _.
by rewrite incl_mem.
Qed.

End Popularity.

(* RG-2. (d) ... so the best one takes the k most popular experts. *)
Theorem RG_2_d_best_constant_predictor (R : realFieldType) (E k : nat)
    (q : 'cV[R]_E) (T C : {set 'I_E}) :
  is_topk k q T -> #|C| = k -> \sum_(e in C) q e 0 <= \sum_(e in T) q e 0.
Proof.
case=> cT hT cC.
rewrite (big_setID T) [X in _ <= X](big_setID C) /= [T :&: C]setIC ler_add2l.
have cD : #|C :\: T| = #|T :\: C|.
  by apply/eqP; rewrite -(eqn_add2l #|C :&: T|) cardsID setIC cardsID cT cC.
have [/cards0_eq e0|] := posnP #|T :\: C|.
  by move: cD; rewrite e0 cards0 => /cards0_eq ->; rewrite !big_set0.
rewrite card_gt0 => /set0Pn[i0 i0D].
have := i0D; rewrite inE => /andP[_ i0T].
pose i1 := [arg min_(i < i0 in T) q i 0]%O.
have [i1T i1min] : i1 \in T /\ forall i, i \in T -> q i1 0 <= q i 0.
  by rewrite /i1; case: arg_minP => // i iT imin; split.
apply: (@le_trans _ _ (\sum_(e in C :\: T) q i1 0)).
  by apply: ler_sum => e; rewrite inE => /andP[eT _]; apply: hT.
rewrite sumr_const cD -sumr_const; apply: ler_sum => e; rewrite inE => /andP[_ eT].
exact: i1min.
Qed.

(* RG-4: a window of T tokens, a selected set B of them, masses d. *)
Section Permutations.
Variables (R : realFieldType) (T : nat).
Implicit Types (B : {set 'I_T}) (d : 'I_T -> R).
Add Field permutations_field : (mc_field_theory R).

(* The share of mass that falls in B, averaged over all placements of the
   masses (the exchangeable null). *)
Definition mean_share B d : R :=
  (\sum_(s : {perm 'I_T}) (\sum_(t in B) d (s t)) / \sum_t d t) / (T`!)%:R.

Lemma perm_sum_const d t t' :
  \sum_(s : {perm 'I_T}) d (s t) = \sum_(s : {perm 'I_T}) d (s t').
Proof.
rewrite (reindex_inj (mulgI (tperm t t'))) /=; apply: eq_bigr => s _.
by rewrite permM tpermL.
Qed.

(* RG-4. (a) The selected tail carries its own fraction |B|/T of the mass, with
   B as actually counted, ties included. *)
Theorem RG_4_a_order_statistic_baseline B d : (0 < T)%N -> \sum_t d t != 0 ->
  mean_share B d = #|B|%:R / T%:R.
Proof.
move=> T0 d0; rewrite /mean_share -mulr_suml exchange_big /=.
pose S := \sum_(s : {perm 'I_T}) d (s (Ordinal T0)).
have T0' : T%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have f0 : (T`!)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n fact_gt0.
have TS : T%:R * S = (T`!)%:R * \sum_t d t.
  transitivity (\sum_(t : 'I_T) \sum_(s : {perm 'I_T}) d (s t)).
    by rewrite (eq_bigr (fun=> S)) ?sumr_const ?card_ord ?mulr_natl // => t _; apply: perm_sum_const.
  rewrite exchange_big /= (eq_bigr (fun=> \sum_t d t)); last first.
    by move=> s _; rewrite [RHS](reindex_inj (@perm_inj _ s)).
  by rewrite sumr_const -[in RHS]card_Sn mulr_natl.
rewrite (eq_bigr (fun=> S)); last by move=> t _; apply: perm_sum_const.
rewrite sumr_const; have -> : S = (T`!)%:R * (\sum_t d t) / T%:R.
  by rewrite -TS mulrAC mulfV ?mul1r.
have aux (b f D n : R) : f != 0 -> D != 0 -> n != 0 -> b * (f * D / n) / D / f = b / n.
  by move=> ? ? ?; mfield R; repeat split; apply/eqP.
by rewrite -[(_ * _ / _) *+ _]mulr_natl; exact: aux.
Qed.

(* RG-4. (b) With |B| = ceil(q T) the baseline lies in [q, q + 1/T). *)
Theorem RG_4_b_effective_quantile (n : nat) (q : R) : (0 < T)%N ->
  q * T%:R <= n%:R < q * T%:R + 1 -> q <= n%:R / T%:R < q + T%:R^-1.
Proof.
move=> T0 /andP[h1 h2]; have T0' : 0 < T%:R :> R by rewrite ltr0n.
rewrite ler_pdivl_mulr // h1 /= ltr_pdivr_mulr // mulrDl mulVf //.
by rewrite gt_eqF.
Qed.

(* RG-4. (c) Windows without mass, scored 0 (here x/0 = 0), lower the null by
   the probability of a window with mass. *)
Theorem RG_4_c_zero_windows (W : finType) (P : W -> R) (d : W -> 'I_T -> R) B :
  (0 < T)%N ->
  \sum_w P w * mean_share B (d w) =
  #|B|%:R / T%:R * \sum_(w | \sum_t d w t != 0) P w.
Proof.
move=> T0; rewrite mulr_sumr [RHS]big_mkcond; apply: eq_bigr => w _.
have [d0|d0] := eqVneq (\sum_t d w t) 0; last first.
  by rewrite RG_4_a_order_statistic_baseline // mulrC.
rewrite /mean_share d0 invr0 big1 ?mul0r ?mulr0 // => s _; exact: mulr0.
Qed.

End Permutations.

(* RG-5 and RG-7: perturbed logits. *)
Section Margins.
Variables (R : realFieldType) (E k : nat).
Implicit Types (s d : 'cV[R]_E) (T : {set 'I_E}).
Add Field margins_field : (mc_field_theory R).

(* RG-5. (a) Half the set margin is a safe sup-norm radius: below it T stays the
   strict top-k set, hence the choice of every top-k rule. *)
Theorem RG_5_a_margin_stability (TopK : 'cV[R]_E -> {set 'I_E}) s d T (mu : R) :
  topk_rule k TopK -> #|T| = k ->
  (forall i j, i \in T -> j \notin T -> mu <= s i 0 - s j 0) ->
  (forall e, `|d e 0| < mu / 2%:R) ->
  is_strict_topk k (s + d) T /\ TopK (s + d) = TopK s.
Proof.
move=> hTop cT hm hd.
have st : is_strict_topk k (s + d) T.
  split=> // i j iT jT; rewrite !mxE -subr_gt0.
  have -> : s i 0 + d i 0 - (s j 0 + d j 0) = (s i 0 - s j 0) - (d j 0 - d i 0).
    by mring R.
  rewrite subr_gt0; apply: lt_le_trans (hm _ _ iT jT).
  rewrite (splitr mu); apply: ltr_le_add; first exact: le_lt_trans (ler_norm _) (hd j).
  by apply: ltW; apply: le_lt_trans (hd i); rewrite -normrN ler_norm.
split=> //; rewrite (topk_rule_strict hTop st); apply/esym/(topk_rule_strict hTop).
split=> // i j iT jT; rewrite -subr_gt0; apply: lt_le_trans (hm _ _ iT jT).
rewrite (splitr mu) addr_gt0 //; first exact: le_lt_trans (normr_ge0 (d i 0)) (hd i).
exact: le_lt_trans (normr_ge0 (d i 0)) (hd i).
Qed.

(* RG-5. (b) The constant one half is best: if the margin mu is attained by a
   pair, every larger radius admits a perturbation that evicts a member. *)
Theorem RG_5_b_half_is_best s T (mu r : R) i j :
  i \in T -> j \notin T -> s i 0 - s j 0 = mu -> 0 < mu -> mu / 2%:R < r ->
  exists d, (forall e, `|d e 0| <= r) /\ ~ is_topk k (s + d) T.
Proof.
move=> iT jT hmu mu0 hr.
have r0 : 0 < r by apply: lt_trans hr; rewrite divr_gt0 ?ltr0n.
exists (\col_e (if e == i then - r else if e == j then r else 0)); split.
  by move=> e; rewrite mxE; do 2?case: ifP => _; rewrite ?normrN ?normr0 ?(gtr0_norm r0) // ltW.
case=> _ /(_ i j iT jT); rewrite !mxE eqxx.
have -> : (j == i) = false by apply: contraNF jT => /eqP ->.
rewrite eqxx -subr_ge0.
have -> : s i 0 - r - (s j 0 + r) = (s i 0 - s j 0) - (r + r).
  by mring R.
rewrite hmu subr_ge0 leNgt; case/negP.
by rewrite {1}(splitr mu) ltr_add.
Qed.

(* RG-5. (c) Exact criterion: T is the strict top-k set after the perturbation
   (for k = |T|) exactly when no pair has closed its gap. *)
Theorem RG_5_c_exact_criterion s d T : #|T| = k ->
  is_strict_topk k (s + d) T <->
  (forall i j, i \in T -> j \notin T -> d j 0 - d i 0 - (s i 0 - s j 0) < 0).
Proof.
move=> cT; have e i j : d j 0 - d i 0 - (s i 0 - s j 0) = (s + d) j 0 - (s + d) i 0.
  have aux (a b c f : R) : b - a - (c - f) = f + b - (c + a) by mring R.
  by rewrite !mxE; exact: aux.
split=> [[_ h] i j iT jT|h]; first by rewrite e subr_lt0 h.
by split=> // i j iT jT; rewrite -subr_lt0 -e h.
Qed.

(* RG-7. Members of T whose lead over every outsider exceeds twice the sup-norm
   of the perturbation stay; so they bound the overlap from below. *)
Theorem RG_7_overlap_lower_bound s d T T' (eps : R) :
  is_topk k s T -> is_topk k (s + d) T' -> (forall e, `|d e 0| <= eps) ->
  (#|[set i in T | [forall j, (j \notin T) ==> (eps *+ 2 < s i 0 - s j 0)%R]]|
     <= #|T :&: T'|)%N.
Proof.
case=> cT hT [cT' hT'] hd; apply: subset_leq_card; apply/subsetP => i.
rewrite !inE => /andP[iT /forallP hi]; rewrite iT /=; apply: contraT => iT'.
have sub : T' \subset T.
  apply/subsetP => l lT'; apply: contraT => lT.
  have := hi l; rewrite lT /= => gap.
  have := hT' l i lT' iT'; rewrite !mxE leNgt => /negP[].
  rewrite -subr_gt0.
  have -> : s i 0 + d i 0 - (s l 0 + d l 0) = (s i 0 - s l 0) - (d l 0 - d i 0).
    by mring R.
  rewrite subr_gt0; apply: le_lt_trans gap; rewrite mulr2n; apply: ler_add.
    exact: le_trans (ler_norm _) (hd l).
  by apply: le_trans (hd i); rewrite -normrN ler_norm.
have /eqP eT : T' == T by rewrite eqEcard sub cT cT' leqnn.
by move: iT'; rewrite eT iT.
Qed.

End Margins.

(* RG-6: how far the input of a linear gate may move. *)
Section Radius.
Variables (R : rcfType) (D E k : nat).
Implicit Types (G : 'M[R]_(E, D)) (y v : 'cV[R]_D) (b : 'cV[R]_E) (T : {set 'I_E}).
Add Field radius_field : (mc_field_theory R).

Definition row_diff G i j : 'cV[R]_D := (row i G - row j G)^T.

Lemma row_diffE G y i j : (G *m y) i 0 - (G *m y) j 0 = dot (row_diff G i j) y.
Proof.
rewrite /dot !mxE -sumrB; apply: eq_bigr => l _.
by rewrite !mxE mulrBl.
Qed.

(* RG-6. (a) If r |G_i - G_j| <= s_i - s_j for every i in T, j outside, with
   s = G y + b and positive gaps, every input closer than r keeps T. *)
Theorem RG_6_a_radius_is_safe G y b T (r : R) v : #|T| = k ->
  (forall i j, i \in T -> j \notin T ->
     0 < (G *m y + b) i 0 - (G *m y + b) j 0 /\
     r * norm (row_diff G i j) <= (G *m y + b) i 0 - (G *m y + b) j 0) ->
  norm v < r -> is_strict_topk k (G *m (y + v) + b) T.
Proof.
move=> cT h vr; split=> // i j iT jT; have [gap hr] := h i j iT jT.
rewrite -subr_gt0 mulmxDr.
have aux (a c e a' c' e' : R) : a + c + e - (a' + c' + e') = (a + e - (a' + e')) + (c - c').
  by mring R.
rewrite (_ : _ - _ = (G *m y + b) i 0 - (G *m y + b) j 0 + dot (row_diff G i j) v); last first.
  by rewrite -row_diffE !mxE; exact: aux.
rewrite -[dot _ v]opprK subr_gt0; apply: le_lt_trans (ler_norm _) _; rewrite normrN.
apply: le_lt_trans (cauchy_schwarz _ _) _.
have [->|g0] := eqVneq (norm (row_diff G i j)) 0; first by rewrite mul0r.
apply: lt_le_trans hr; rewrite mulrC ltr_pmul2r //.
by rewrite lt_def g0 norm_ge0.
Qed.

(* RG-6. (b) The radius is exact: if a pair attains it, moving by any factor
   c > 1 further along its normal makes the outsider overtake. *)
Theorem RG_6_b_radius_is_exact G y b T (r c : R) i j :
  i \in T -> j \notin T -> 0 < r -> 1 < c ->
  row_diff G i j != 0 ->
  (G *m y + b) i 0 - (G *m y + b) j 0 = r * norm (row_diff G i j) ->
  exists v, norm v = c * r /\ ~ is_topk k (G *m (y + v) + b) T.
Proof.
move=> iT jT r0 c1 g0 hr; set g := row_diff G i j in g0 hr *.
have n0 : 0 < norm g by rewrite norm_gt0.
have c0 : 0 < c by apply: lt_trans c1.
exists (- (c * r / norm g) *: g); split.
  rewrite normZ normrN gtr0_norm ?divr_gt0 ?mulr_gt0 //.
  by rewrite divfK // gt_eqF.
case=> _ /(_ i j iT jT); rewrite leNgt => /negP; apply; rewrite -subr_lt0.
have aux (a d e a' d' e' : R) : a + d + e - (a' + d' + e') = (a + e - (a' + e')) + (d - d').
  by mring R.
set v := _ *: g; rewrite mulmxDr.
rewrite (_ : _ - _ = (G *m y + b) i 0 - (G *m y + b) j 0 + dot g v); last first.
  by rewrite -row_diffE !mxE; exact: aux.
rewrite hr /v dotZr -norm_sqr expr2 mulNr mulrA divfK ?gt_eqF // -mulrBl.
by rewrite pmulr_llt0 // subr_lt0 ltr_pmull.
Qed.

(* RG-6. (c) Without router bias and with RMSNorm in front the radius computed
   with the gains absorbed is safe in the residual itself, for every epsilon. *)
Theorem RG_6_c_radius_in_residual (TopK : 'cV[R]_E -> {set 'I_E}) (W : 'M[R]_(E, D))
    (g : 'cV[R]_D) (eps r : R) x v T :
  topk_rule k TopK -> scale_invariant TopK -> 0 <= eps -> #|T| = k ->
  (forall i j, i \in T -> j \notin T ->
     let s := W *m diag_mx g^T *m x in
     0 < s i 0 - s j 0 /\ r * norm (row_diff (W *m diag_mx g^T) i j) <= s i 0 - s j 0) ->
  norm v < r ->
  TopK (W *m rmsnorm eps g x) = T /\ TopK (W *m rmsnorm eps g (x + v)) = T.
Proof.
move=> hTop hscale e0 cT h vr; rewrite !(topk_rmsnorm hscale) //.
split; apply: (topk_rule_strict hTop).
  by split=> // i j iT jT; have [] := h i j iT jT; rewrite subr_gt0.
rewrite -[W *m _ *m _]addr0; apply: RG_6_a_radius_is_safe vr => // i j iT jT.
by rewrite !addr0; apply: h.
Qed.

(* RG-6. (d) Selection by phi(s) + b with a 1/4-Lipschitz phi (the sigmoid):
   lower bound with (|G_i| + |G_j|)/4. *)
Theorem RG_6_d_sigmoid_with_bias G y v (b : 'cV[R]_E) (phi : R -> R) T : #|T| = k ->
  (forall a c, `|phi a - phi c| <= `|a - c| / 4%:R) ->
  let t (z : 'cV[R]_D) : 'cV[R]_E := \col_e (phi ((G *m z) e 0) + b e 0) in
  (forall i j, i \in T -> j \notin T ->
     norm v * ((norm (row i G)^T + norm (row j G)^T) / 4%:R) < t y i 0 - t y j 0) ->
  is_strict_topk k (t (y + v)) T.
Proof.
move=> cT lip t h; split=> // i j iT jT; rewrite -subr_gt0.
have move_le e : `|phi ((G *m (y + v)) e 0) - phi ((G *m y) e 0)| <= norm v * (norm (row e G)^T / 4%:R).
  apply: le_trans (lip _ _) _; rewrite mulrA ler_pmul2r ?invr_gt0 ?ltr0n //.
  rewrite mulmxDr [(_ + _ : 'cV_E) e 0]mxE addrAC subrr add0r mulrC.
  have -> : (G *m v) e 0 = dot (row e G)^T v.
    by rewrite /dot mxE; apply: eq_bigr => l _; rewrite !mxE.
  exact: cauchy_schwarz.
have := h i j iT jT; rewrite -subr_gt0; move/lt_le_trans; apply.
have := move_le i; have := move_le j; rewrite !ler_norml => /andP[_ hj] /andP[hi _].
have tE z e : t z e 0 = phi ((G *m z) e 0) + b e 0 by rewrite /t [LHS]mxE.
rewrite !tE -subr_ge0.
move: hi hj; set pi := phi ((G *m (y + v)) i 0); set pj := phi ((G *m (y + v)) j 0).
set qi := phi ((G *m y) i 0); set qj := phi ((G *m y) j 0) => hi hj.
have aux (ni nj nv f : R) : pi + b i 0 - (pj + b j 0) -
   (qi + b i 0 - (qj + b j 0) - nv * ((ni + nj) / f)) =
   (pi - qi - - (nv * (ni / f))) + (nv * (nj / f) - (pj - qj)) by mring R.
rewrite [X in 0 <= X](aux (norm (row i G)^T) (norm (row j G)^T) (norm v) 4%:R).
by rewrite addr_ge0 // subr_ge0.
Qed.

End Radius.

(* RG-8: outputs f_T = sum over T of w_e E_e.  At a tie s_i = s_j the one-sided
   limits are the two formulas evaluated at the tie, which is what we compare
   (the catalogue speaks of limits; here continuity is not needed). *)
Section Jump.
Variables (R : realFieldType) (n E : nat) (phi : R -> R) (s : 'I_E -> R).
Variable (out : 'I_E -> 'cV[R]_n).
Implicit Types (T : {set 'I_E}) (w : 'I_E -> R).
Add Field jump_field : (mc_field_theory R).

Definition mixture w T : 'cV[R]_n := \sum_(e in T) w e *: out e.
Definition swap T i j := j |: T :\ i.

(* Weights without selection bias: phi(s_e) over the sum of phi over a pool,
   the pool being all experts (full softmax) or the selected set. *)
Definition gate (pool : {set 'I_E}) e : R := phi (s e) / \sum_(l in pool) phi (s l).

Lemma big_swap (V : zmodType) (F : 'I_E -> V) T i j : i \in T -> j \notin T ->
  \sum_(e in T) F e = F i + \sum_(e in T :\ i) F e /\
  \sum_(e in swap T i j) F e = F j + \sum_(e in T :\ i) F e.
Proof.
move=> iT jT; split; first by rewrite (big_setD1 i).
by rewrite big_setU1 // !inE negb_and jT orbT.
Qed.

(* RG-8. (a) Full softmax: the jump at a tie is the common weight times the
   difference of the two outputs. *)
Theorem RG_8_a_jump_full T i j : i \in T -> j \notin T -> s i = s j ->
  mixture (gate setT) T - mixture (gate setT) (swap T i j) =
  gate setT i *: (out i - out j).
Proof.
move=> iT jT sij.
have [e1 e2] := big_swap (fun e => gate setT e *: out e) iT jT.
rewrite /mixture e1 e2 opprD addrACA subrr addr0 scalerBr; congr (_ - _ *: _).
by rewrite /gate sij.
Qed.

(* RG-8. (b) The same with weights renormalised over the selected set. *)
Theorem RG_8_b_jump_renormalised T i j : i \in T -> j \notin T -> s i = s j ->
  mixture (gate T) T - mixture (gate (swap T i j)) (swap T i j) =
  gate T i *: (out i - out j).
Proof.
move=> iT jT sij.
have [n1 n2] := big_swap (fun e => phi (s e)) iT jT.
have gE e : gate (swap T i j) e = gate T e by rewrite /gate n1 n2 sij.
have [e1 e2] := big_swap (fun e => gate T e *: out e) iT jT.
rewrite /mixture [X in _ - X](eq_bigr (fun e => gate T e *: out e)); last first.
  by move=> e _; rewrite gE.
rewrite e1 e2 opprD addrACA subrr addr0 scalerBr; congr (_ - _ *: _).
by rewrite /gate sij.
Qed.

(* RG-8. (c) As the smallest of the pool's first k (k+1) weights, w is at most
   1/k (renormalised), 1/(k+1) (full). *)
Theorem RG_8_c_weight_bounds T i j k : (forall e, 0 < phi (s e)) ->
  #|T| = k -> i \in T -> j \notin T -> s i = s j ->
  (forall e, e \in T -> phi (s i) <= phi (s e)) ->
  gate T i <= k%:R^-1 /\ gate setT i <= k.+1%:R^-1.
Proof.
move=> pos cT iT jT sij least.
have bound (A pool : {set 'I_E}) : i \in A -> A \subset pool ->
    (forall e, e \in A -> phi (s i) <= phi (s e)) -> gate pool i <= #|A|%:R^-1.
  move=> iA sub hA; rewrite /gate.
  have c0 : 0 < #|A|%:R :> R by rewrite ltr0n; apply/card_gt0P; exists i.
  have le1 : #|A|%:R * phi (s i) <= \sum_(l in pool) phi (s l).
    rewrite (big_setID A) /= (setIidPr sub) mulr_natl -sumr_const.
    apply: ler_paddr; first by apply: sumr_ge0 => e _; apply: ltW.
    exact: ler_sum.
  rewrite ler_pdivr_mulr; last by apply: lt_le_trans le1; rewrite mulr_gt0.
  by rewrite ler_pdivl_mull.
split; first by rewrite -cT; apply: bound.
have -> : k.+1 = #|j |: T| by rewrite cardsU1 jT cT.
apply: bound; rewrite ?inE ?iT ?orbT ?subsetT // => e.
by rewrite !inE => /orP[/eqP ->|]; [rewrite sij | apply: least].
Qed.

(* RG-8. (d) With a selection bias the tie is not a tie of weights; the jump
   then has a third part, the reweighting of the members that stay. *)
Theorem RG_8_d_jump_with_selection_bias (w w' : 'I_E -> R) T i j :
  i \in T -> j \notin T ->
  mixture w T - mixture w' (swap T i j) =
  w i *: out i - w' j *: out j + \sum_(e in T :\ i) (w e - w' e) *: out e.
Proof.
move=> iT jT.
have [e1 _] := big_swap (fun e => w e *: out e) iT jT.
have [_ e2] := big_swap (fun e => w' e *: out e) iT jT.
rewrite /mixture e1 e2 opprD addrACA -sumrB; congr (_ + _).
by apply: eq_bigr => e _; rewrite scalerBl.
Qed.

End Jump.

(* RG-9: swaps away from the tie, with the exponential. *)
Section Swap.
Variables (R : realType) (n E : nat) (s : 'I_E -> R) (out : 'I_E -> 'cV[R]_n).

Definition softmax (z : 'I_E -> R) e : R := expR (z e) / \sum_l expR (z l).

(* RG-9. (a) Replacing i by j at margin m >= 0 changes the output by
   w_i E_i - w_j E_j with w_j = exp(-m) w_i, in norm at most
   w_i |E_i - E_j| + w_i (1 - exp(-m)) |E_j|. *)
Theorem RG_9_a_swap_cost (T : {set 'I_E}) i j (mu : R) :
  i \in T -> j \notin T -> mu = s i - s j -> 0 <= mu ->
  let w := softmax s in
  [/\ mixture out w T - mixture out w (swap T i j) = w i *: out i - w j *: out j,
      w j = expR (- mu) * w i &
      norm (mixture out w T - mixture out w (swap T i j)) <=
        w i * norm (out i - out j) + w i * (1 - expR (- mu)) * norm (out j)].
Proof.
move=> iT jT hmu mu0 w.
have diff : mixture out w T - mixture out w (swap T i j) = w i *: out i - w j *: out j.
  rewrite (RG_8_d_jump_with_selection_bias _ _ _ iT jT) big1 ?addr0 // => e _.
  by rewrite subrr scale0r.
have wj : w j = expR (- mu) * w i.
  by rewrite /w /softmax mulrA -expRD hmu opprB subrK.
have wi0 : 0 <= w i.
  by apply: divr_ge0; rewrite ?sumr_ge0 ?ltW ?expR_gt0 // => l _; rewrite ltW ?expR_gt0.
have ex1 : expR (- mu) <= 1 by rewrite -expR0 ler_expR oppr_le0.
split=> //; rewrite diff wj.
have -> : w i *: out i - (expR (- mu) * w i) *: out j =
    w i *: (out i - out j) + (w i * (1 - expR (- mu))) *: out j.
  by rewrite scalerBr mulrBr mulr1 scalerBl addrA subrK mulrC.
apply: le_trans (norm_triangle _ _) _; rewrite !normZ (ger0_norm wi0).
by rewrite ger0_norm // mulr_ge0 // subr_ge0.
Qed.

End Swap.

Section Path.
Variables (R : rcfType) (D n : nat).
Add Field path_field : (mc_field_theory R).

(* RG-9. (b) Along a path y_0, ..., y_{N+1} whose interior points are the
   crossings, with an L-Lipschitz branch f_i on the i-th piece, the output moves
   by at most L times the length plus the sum of the jump norms. *)
Theorem RG_9_b_path_bound (L : R) (N : nat) (f : nat -> 'cV[R]_D -> 'cV[R]_n)
    (y : nat -> 'cV[R]_D) :
  (forall i, (i <= N)%N -> norm (f i (y i.+1) - f i (y i)) <= L * norm (y i.+1 - y i)) ->
  norm (f N (y N.+1) - f 0%N (y 0%N)) <=
    L * (\sum_(i < N.+1) norm (y i.+1 - y i)) +
    \sum_(i < N) norm (f i.+1 (y i.+1) - f i (y i.+1)).
Proof.
elim: N => [|N IH] lip; first by rewrite big_ord_recl !big_ord0 !addr0 lip.
have -> : f N.+1 (y N.+2) - f 0%N (y 0%N) = (f N.+1 (y N.+2) - f N.+1 (y N.+1)) +
   ((f N.+1 (y N.+1) - f N (y N.+1)) + (f N (y N.+1) - f 0%N (y 0%N))).
  by rewrite !addrA !subrK.
apply: le_trans (norm_triangle _ _) _.
have eS : \sum_(i < N.+2) norm (y i.+1 - y i) =
  \sum_(i < N.+1) norm (y i.+1 - y i) + norm (y N.+2 - y N.+1) by rewrite big_ord_recr.
have eJ : \sum_(i < N.+1) norm (f i.+1 (y i.+1) - f i (y i.+1)) =
  \sum_(i < N) norm (f i.+1 (y i.+1) - f i (y i.+1)) + norm (f N.+1 (y N.+1) - f N (y N.+1)).
  by rewrite big_ord_recr.
have aux (A B C J : R) : L * (A + B) + (C + J) = L * B + (J + (L * A + C)) by mring R.
rewrite eS eJ aux; apply: ler_add; first exact: lip.
apply: le_trans (norm_triangle _ _) _; rewrite ler_add2l.
by apply: IH => i iN; apply: lip; apply: leqW.
Qed.

End Path.

Section Indices.
Variables (R : rcfType) (n : nat).
Implicit Types (a b : 'cV[R]_n).
Add Field indices_field : (mc_field_theory R).

(* Redundancy index of two expert outputs. *)
Definition redundancy a b : R := norm (a - b) / (norm a + norm b).

(* RG-10. (a) It lies in [0,1]. *)
Theorem RG_10_a_range a b : 0 <= redundancy a b <= 1.
Proof.
have s0 : 0 <= norm a + norm b by rewrite addr_ge0 ?norm_ge0.
rewrite /redundancy divr_ge0 ?norm_ge0 //=; move: s0; rewrite le_eqVlt => /orP[/eqP <-|s0].
  by rewrite invr0 mulr0 ler01.
by rewrite ler_pdivr_mulr // mul1r -(normN b) norm_triangle.
Qed.

(* RG-10. (b) It is 0 exactly for equal outputs. *)
Theorem RG_10_b_zero a b : redundancy a b = 0 <-> a = b.
Proof.
split=> [/eqP|->]; last by rewrite /redundancy subrr /norm dot0l sqrtr0 mul0r.
rewrite mulf_eq0 invr_eq0 norm_eq0 subr_eq0 => /orP[/eqP //|].
rewrite paddr_eq0 ?norm_ge0 // !norm_eq0 => /andP[/eqP -> /eqP ->] //.
Qed.

(* RG-10. (c) It is 1 exactly when the outputs are not both zero and point in
   opposite directions (or one of them vanishes). *)
Theorem RG_10_c_one a b :
  redundancy a b = 1 <-> (a != 0 \/ b != 0) /\ norm b *: a = - (norm a *: b).
Proof.
set s := norm a + norm b.
have n00 : norm (0 : 'cV[R]_n) = 0 by apply/eqP; rewrite norm_eq0.
have key : dot (norm b *: a + norm a *: b) (norm b *: a + norm a *: b) =
    norm a * norm b * (s ^+ 2 - norm (a - b) ^+ 2).
  rewrite [norm (a - b) ^+ 2]norm_sqr !(dotDl, dotDr, dotZl, dotZr, dotNl, dotNr) (dotC b a).
  rewrite -!norm_sqr /s; move: (norm a) (norm b) (dot a b) => x y z; by mring R.
have pos : (a != 0 \/ b != 0) <-> 0 < s.
  split=> [[] h|]; first by rewrite ltr_paddr ?norm_ge0 // norm_gt0.
    by rewrite ltr_paddl ?norm_ge0 // norm_gt0.
  rewrite lt_def paddr_eq0 ?norm_ge0 // !norm_eq0 negb_and => /andP[/orP[]]; by [left|right].
split=> [h|[/pos s0 h]].
  have s0 : 0 < s.
    rewrite lt_def addr_ge0 ?norm_ge0 // andbT; apply/eqP => z.
    by move: h; rewrite /redundancy -/s z invr0 mulr0 => /eqP; rewrite eq_sym oner_eq0.
  split; first exact/pos.
  have e : norm (a - b) = s by rewrite -[LHS](divfK (lt0r_neq0 s0)) -/(redundancy a b) h mul1r.
  move: key; rewrite e subrr mulr0 => /eqP; rewrite dot_eq0 addr_eq0 => /eqP //.
move: key; rewrite h addNr dot0l => /esym/eqP.
rewrite !mulf_eq0 !norm_eq0 -orbA => /or3P[/eqP a0|/eqP b0|].
- move: s0; rewrite /redundancy /s a0 sub0r normN n00 !add0r => s0.
  by rewrite divff // lt0r_neq0.
- move: s0; rewrite /redundancy /s b0 subr0 n00 !addr0 => s0.
  by rewrite divff // lt0r_neq0.
rewrite subr_eq0 eqr_expn2 ?norm_ge0 ?(ltW s0) // => /eqP e.
by rewrite /redundancy -/s -e divff // gt_eqF.
Qed.

(* RG-10. (d) Orthogonal outputs of equal norm, the null, give 1/sqrt 2. *)
Theorem RG_10_d_orthogonal_null a b :
  dot a b = 0 -> norm a = norm b -> a != 0 -> redundancy a b = (Num.sqrt 2%:R)^-1.
Proof.
move=> o e a0; have n0 : 0 < norm a by rewrite norm_gt0.
have s2 : 0 < Num.sqrt 2%:R :> R by rewrite sqrtr_gt0 ltr0n.
have -> : redundancy a b = Num.sqrt 2%:R * norm a / (norm a + norm a).
  rewrite /redundancy -e; congr (_ / _); rewrite {1}/norm.
  rewrite !(dotDl, dotDr, dotNl, dotNr) (dotC b a) o oppr0 addr0 add0r opprK.
  by rewrite -!norm_sqr -e -mulr2n -[(_ ^+ 2) *+ 2]mulr_natl sqrtrM ?ler0n // sqrtr_sqr ger0_norm ?ltW.
rewrite -mulr2n -[norm a *+ 2]mulr_natl -{2}[2%:R](@sqr_sqrtr R) ?ler0n //.
move: (norm a) (Num.sqrt 2%:R) n0 s2 => x y x0 y0.
by mfield R; split; apply/eqP; rewrite gt_eqF.
Qed.

(* RG-11. (a) For s = a + b the additive shares sum to one. *)
Theorem RG_11_a_additive_shares a b : a + b != 0 ->
  dot (a + b) a / dot (a + b) (a + b) + dot (a + b) b / dot (a + b) (a + b) = 1.
Proof. by move=> s0; rewrite -mulrDl -dotDr divff // dot_eq0. Qed.

(* RG-11. (b) The norm ratio is not a share: a component b = lambda 1 never
   changes a shift-invariant top-k choice, yet its ratio tends to 1. *)
Theorem RG_11_b_norm_ratio_is_not_a_share (TopK : 'cV[R]_n -> {set 'I_n}) a :
  (0 < n)%N -> shift_invariant TopK ->
  (forall l : R, TopK (a + const_mx l) = TopK a) /\
  forall eps : R, 0 < eps -> exists l0, forall l : R, l0 <= l ->
    1 - eps <= norm (const_mx l : 'cV[R]_n) / (norm a + norm (const_mx l : 'cV[R]_n)) <= 1.
Proof.
move=> n0 sh; split=> [l|eps e0]; first exact: sh.
have n0' : 0 < n%:R :> R by rewrite ltr0n.
have nc (l : R) : 0 <= l -> l <= norm (const_mx l : 'cV[R]_n).
  move=> l0; rewrite -[X in X <= _](ger0_norm l0) -sqrtr_sqr ler_wsqrtr //.
  rewrite /dot (eq_bigr (fun=> l ^+ 2)); last by move=> i _; rewrite !mxE expr2.
  by rewrite sumr_const card_ord -{1}[l ^+ 2]mulr1n; apply: ler_wpmuln2l; rewrite ?sqr_ge0.
exists (1 + norm a / eps) => l hl.
have l0 : 0 < l.
  apply: lt_le_trans hl; apply: ltr_paddr; last exact: ltr01.
  by apply: divr_ge0; [apply: norm_ge0 | apply: ltW].
have := nc l (ltW l0); set c := norm (const_mx l) => hc.
have c0 : 0 < c by apply: lt_le_trans hc.
have s0 : 0 < norm a + c by apply: ltr_paddl; rewrite ?norm_ge0.
rewrite ler_pdivl_mulr // ler_pdivr_mulr // mul1r ler_addr norm_ge0 andbT.
have : norm a <= eps * c.
  rewrite mulrC -ler_pdivr_mulr //; apply: le_trans hc; apply: le_trans hl.
  by rewrite ler_addr ler01.
have := mulr_ge0 (ltW e0) (norm_ge0 a); move: (norm a) => x h1 h2.
rewrite -subr_ge0 [X in 0 <= X](_ : _ = (eps * c - x) + eps * x); last by mring R.
by rewrite addr_ge0 // subr_ge0.
Qed.

End Indices.
